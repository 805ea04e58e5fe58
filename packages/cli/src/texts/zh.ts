import type { Catalogue } from './keys.ts'
import { zhDelivery } from './zh-delivery.ts'
import { zhServer } from './zh-server.ts'
import { zhRetention } from './zh-retention.ts'

/** 命令行的全部中文文本：键与占位符同 en.ts。中文没有复数形式，所以不需要 `{name|one|many}`。 */
export const zh: Catalogue = {
  ...zhDelivery,
  ...zhServer,
  ...zhRetention,

  // Help
  'help.what': '导入、读取、追踪、校验和导出事件日志',
  'help.usage': '用法',
  'help.usage-line': 'tidings 子命令 [选项]',
  'help.verbs': '子命令',
  'help.arguments': '参数',
  'help.options': '选项',
  'help.options-slot': '[选项]',
  'help.common-options': '所有子命令通用的选项',
  'help.group-usage': 'tidings {group} 子命令 [选项]',
  'help.group-more': "'tidings {group} 子命令 --help' 给出各自的详细说明和示例。",
  'help.examples': '示例',
  'help.exit-codes': '退出码：0 完成，1 失败，2 用法错误，3 完成但有被拒绝的行。',
  'help.more': "'tidings 子命令 --help' 给出该子命令的详细说明和示例。",

  // Options
  'option.store':
    '日志位置：sqlite:文件、postgres://… 或 memory:（默认：TIDINGS_STORE，否则 sqlite:tidings.db）',
  'option.json': '输出 JSON：一个对象；列表则每行一个对象',
  'option.lang': '所有文本的语言（默认：LC_ALL、LC_MESSAGES、LANG）',
  'option.help': '显示此帮助',
  'option.version': '显示版本',
  'option.contracts': '导出契约的文件或包（.ts、.js）',
  'option.type': '只要此类型；* 匹配一段，** 匹配任意多段；可重复给出',
  'option.stream': '只要此流：聚合类型/聚合 ID',
  'option.correlation': '只要此关联 ID',
  'option.tenant': '只要此租户',
  'option.since': '只要此时刻及之后发生的事件',
  'option.until': '只要此时刻之前发生的事件',
  'option.after': '只要此位置之后的事件；配合 --reverse 则为之前；end 表示最后一个位置',
  'option.limit': '最多多少个事件',
  'note.filters':
    'TIME 可以是带时区偏移的 ISO 8601 时间（2026-11-21T09:30:00Z）、某一天（2026-11-21，取其 UTC 零点），\n或距今多久：30s、90m、2h、7d、1w。它指事件发生的时间，而不是被记录的时间。',

  // Wrong usage
  'usage.no-verb': '缺少子命令：要做什么？',
  'usage.see-help': "请看 'tidings --help' 或 'tidings 子命令 --help'。",
  'usage.see-verb-help': "请看 'tidings {verb} --help'。",
  'usage.no-sub-verb': "'{group}' 之后须为 {verbs} 之一。",
  'usage.unknown-verb': "没有子命令 '{name}'。",
  'usage.unknown-option': "这里没有选项 '{option}'。",
  'usage.did-you-mean': '是否想写 {name}？',
  'usage.value-on-flag': "{option} 不带值，却得到 '{value}'。",
  'usage.value-missing': '{option} 需要一个值：{option} {value}。',
  'usage.value-with-dash': "如果 '{value}' 就是它的值，请写成 {option}={value}。",
  'usage.surplus-word': "'{verb}' 不需要多出来的 '{word}'。",
  'usage.argument-missing': "'{verb}' 需要 {value}。",
  'usage.not-a-count': "{option} 须为不小于 {least} 的整数，却得到 '{value}'。",
  'usage.not-a-time': "{option} 须为时间，却得到 '{value}'。",
  'usage.time-forms':
    '请写带时区偏移的 ISO 8601 时间（2026-11-21T09:30:00Z）、某一天（2026-11-21），或距今多久（30s、90m、2h、7d、1w）。',
  'usage.not-a-choice': "{option} 须为 {choices} 之一，却得到 '{value}'。",

  // Errors
  'error.label': '错误：',
  'error.unexpected': '出现了不应出现的问题。\n{stack}',
  'error.unexpected-hint': '这是 tidings 的缺陷。请附上以上内容报告给我们。',

  // The store
  'store.unknown-location': "'{location}' 没有说明日志在哪里。",
  'store.write-it': '如果是文件，请写 --store sqlite:{location}',
  'store.forms':
    '文件请写 --store sqlite:文件；数据库请写 --store postgres://用户@主机/数据库；随进程结束而消失的日志请写 --store memory:。',
  'store.missing': '{file} 处没有日志。',
  'store.not-a-log': '{file} 是数据库，但不是 tidings 的日志。',
  'store.not-a-file': '{file} 不是文件。',
  'store.missing-hint':
    '请用 --store sqlite:文件 或 TIDINGS_STORE 指定另一个日志；或者新建一个：tidings import 文件，或启动您的应用。',
  'store.needs-postgres': 'PostgreSQL 中的日志需要 @tidings/postgres 包，但从 {folder} 找不到它。',
  'store.needs-postgres-hint':
    '请在您的应用所在文件夹中调用，或安装它：npm install @tidings/postgres',
  'store.needs-sqlite': '此子命令需要存于文件中的日志。',

  // Filters
  'filter.not-a-stream': "'{value}' 不是流。",
  'filter.stream-form': "流的写法是 聚合类型/聚合 ID；'tidings streams' 列出所有流。",
  'filter.no-such-type': "此日志中没有类型为 '{name}' 的事件。",

  // Columns
  'column.position': '位置',
  'column.time': '时间',
  'column.type': '类型',
  'column.stream': '流',
  'column.stream-version': '版本',
  'column.event-id': '事件 ID',
  'column.events': '事件数',
  'column.first-seen': '最早 (UTC)',
  'column.last-seen': '最近 (UTC)',
  'column.versions': '版本',

  // Progress
  'progress.rate': '{count} 个事件，每秒 {rate} 个',
  'progress.rest': '剩余 {time}',

  // Contracts
  'contracts.missing': '--contracts {module} 没有对应的文件：{path} 不存在。',
  'contracts.missing-hint': '请给出相对当前目录的路径（./src/contracts.ts），或已安装的包名。',
  'contracts.does-not-load': '--contracts {module} 无法加载：{reason}',
  'contracts.does-not-load-hint':
    'Node 运行 TypeScript 文件时只是去掉类型：import 必须写出 .ts 后缀，不能使用枚举和参数属性。',
  'contracts.none': '--contracts {module} 没有导出任何契约。它导出了：{names}。',
  'contracts.none-hint':
    '请导出 defineEvent、defineCommand、defineTask、defineAggregate 或 defineModule 的返回值，可单独导出，也可放在数组中。',
  'contracts.no-exports': '（无）',

  // import
  'import.summary': '把文件或管道中的事件导入日志',
  'import.argument': 'NDJSON，可用 gzip 压缩；- 表示标准输入',
  'import.option.unknown': '配合 --contracts：如何处理没有契约的事件类型（默认：reject，即拒绝）',
  'import.option.rejects': '未能存入的行写到哪里（默认：FILE.rejects.ndjson）',
  'import.option.default-time': '没有时间的事件采用的时间；不给出则拒绝这些事件',
  'import.option.max-event-bytes': '最大的事件：负载与元数据的字节数（默认：900000）',
  'import.note.formats':
    '每行一个事件：Tidings 信封，或 CloudEvent（1.0，结构化模式）。空行、CRLF 和字节顺序标记均可；\n一行最长 16 MiB。无法存入的行连同行号、原因和 JSON 指针写入拒绝文件（每次重新写），其余的行全部存入。',
  'import.note.again':
    '事件由其 ID 识别：日志中已有的事件会被跳过，因此中断的导入只需再运行一次即可完成。\n位置遵循文件中的顺序。使用 --store memory: 则什么也不保留：一次演练。',
  'import.note.foreign':
    '没有 aggregatetype 的 CloudEvent 以其 source 为聚合类型（/permits/receipt 变为 permits.receipt），\n以其 subject（没有则以其 id）为聚合 ID。不给 --contracts 时只检查信封，名称保持原样。',
  'import.note.sensitive':
    '任何原因都不会显示契约标为敏感的字段值，但拒绝文件包含原始的行：请像保管输入文件一样保管它。',
  'import.example.plain': '把文件导入 tidings.db',
  'import.example.contracts': '同时检查负载',
  'import.example.rehearse': '看看哪些行会被拒绝，什么也不保留',
  'import.example.pipe': '复制一份日志',
  'import.unknown-needs-contracts': '--unknown 说明如何处理没有契约的类型，因此需要 --contracts。',
  'import.rejects-is-input': '--rejects {file} 正是要导入的文件。',
  'import.rejects-unwritable': '无法写入拒绝文件 {file}：{reason}',
  'import.rejects-unwritable-hint':
    '请用 --rejects FILE 指定另一个文件，再次运行同样的导入：它会从中断处继续。',
  'import.unknown-type':
    "没有名为 '{type}' 的契约。请定义它，或加入某个契约的别名，或用 --unknown keep 导入。",
  'import.unknown-type-near':
    "没有名为 '{type}' 的契约；最接近的是 '{nearest}'。请定义它，或加入某个契约的别名，或用 --unknown keep 导入。",
  'import.line-too-long': '此行有 {bytes} 字节；可读取的最长行为 {limit} 字节。',
  'import.clash':
    '日志中已有事件 ID {id}，但内容不同：{pointer} 不一致。一个 ID 永远只代表一个事件，请为此事件另取 ID。',
  'import.done': '读取 {read} 行：存入 {stored}，重复 {duplicates}，拒绝 {rejected}。',
  'import.done-kinds': '{streams} 个流，{types} 个类型，{seconds} 秒。',
  'import.rejects-of': '  {code}：{count}',
  'import.rejects-in': '被拒绝的行及原因：{file}',
  'import.interrupted': '在第 {line} 行之后停止。再次运行同样的命令即可继续。',
  'import.broke-off':
    '在第 {line} 行之后中断：至此已存入 {stored} 个事件，每一批都是完整的。再次运行同样的命令即可继续。',
  'import.broke-off-at-once': '输入中没有任何内容被存入。',
  'input.missing': '没有文件 {file}。',
  'input.directory': '{file} 是目录。',
  'input.unreadable': '无法读取 {file}：{reason}',
  'input.utf16': '{file} 是 UTF-16 编码。',
  'input.utf16-hint': '事件按 UTF-8 读取。请先转换：iconv -f UTF-16 -t UTF-8 文件',
  'input.gzip': '{file} 是 gzip，但已损坏或不完整：{reason}',
  'input.gzip-hint': '之前的内容已存入。请取得完整的文件，再次运行同样的命令。',

  // events
  'events.summary': '列出事件，最早的在前',
  'events.note.pipe': '在终端上显示为表格；在管道中各列以制表符分隔；--json 给出全部内容。',
  'events.option.reverse': '最新的在前',
  'events.option.follow': '继续显示新到的事件，直到 Ctrl-C 或达到 --limit',
  'events.example.latest': '最近 20 个',
  'events.example.type': '一个领域，最近两小时',
  'events.example.stream': '一个聚合的全部事件',
  'events.example.follow': '只要从现在起新到的事件',
  'events.follow-reverse': '--follow 向前，--reverse 向后：请只选其一。',

  // show
  'show.summary': '完整显示一个事件',
  'show.argument': '事件 ID',
  'show.example': '负载、元数据及其所在位置',
  'show.not-an-id': "'{value}' 不是事件 ID：事件 ID 是 UUID。",
  'show.find-ids': "'tidings events' 列出事件及其 ID。",
  'show.missing': '{store} 中没有事件 {id}。',
  'show.is-command': '这是一个命令的 ID。查看它引起了什么：tidings trace {id}',

  // trace
  'trace.summary': '以树的形式显示因果关系',
  'trace.note': '命令以 ⌘ 标记。若其原因不在本次追踪之中，则列在根部并加以说明。',
  'trace.argument': '事件、命令或关联的 ID',
  'trace.option.limit': '最多多少个事件（默认：10000）',
  'trace.example': '与一个事件相关的一切',
  'trace.nothing': '{store} 中没有与 {id} 相关的内容。',
  'trace.more': '只显示前 {limit} 个事件；用 --limit N 显示更多。',
  'trace.correlation': '关联 ID {id}',
  'trace.failed': '失败',
  'trace.failed-with': '失败：{failure}',
  'trace.cause-missing': '原因不在本次追踪中：{id}',

  // streams, types, stats
  'streams.summary': '按名称顺序列出流',
  'streams.option.prefix': '只要以此开头的名称',
  'streams.option.after': '只要此名称之后的名称',
  'streams.option.limit': '最多多少个',
  'streams.example': '某一聚合类型的前 20 个',
  'types.summary': '列出事件类型：数量、最早与最近出现的时间、版本',
  'types.example': '数量最多的在前',
  'stats.summary': '用几个数字概括日志',
  'stats.example': '供程序使用',
  'stats.store': '日志',
  'stats.events': '事件',
  'stats.streams': '流',
  'stats.types': '类型',
  'stats.commands': '命令',
  'stats.head': '最后位置',
  'stats.first-recorded': '最早记录',
  'stats.last-recorded': '最近记录',
  'stats.bytes': '磁盘占用',
  'stats.subscription': '订阅 {name}',

  // export
  'export.summary': '把事件写成 import 可读回的 NDJSON',
  'export.note.out': '文件完整之后才会得到它的名称。名称以 .gz 结尾时会压缩。',
  'export.option.format': '每行的格式（默认：tidings）',
  'export.option.out': '写入文件（默认：标准输出）',
  'export.example.all': '整个日志，压缩',
  'export.example.cloudevents': '一个领域，写成 CloudEvents',
  'export.unwritable': '无法写入 {file}：{reason}',
  'export.done': '已将 {events} 个事件写入 {file}',

  // verify
  'verify.summary': '校验整个日志，列出有误之处',
  'verify.note':
    '校验内容：数据库本身、位置、版本、ID、记录时间，每个原因都在日志中且先于其结果，以及负载：\n按 --contracts，否则按各应用在日志中声明的契约。有误时退出码为 1。',
  'verify.option.partial': '此日志是更大日志的一部分：原因可能在别处',
  'verify.example.plain': '只凭日志自身的信息',
  'verify.example.contracts': '按您的契约检查负载',
  'verify.cause-missing':
    '它的原因 {id} 既不是此日志中的事件，也不是命令（若此日志只是更大日志的一部分，请用 --partial）',
  'verify.cause-later':
    '它的原因 {id} 反而在它之后，位于位置 {position}（若原因可能在别处，请用 --partial）',
  'verify.payload': '{type}：{pointer} 处应为 {expected}，实为 {actual}',
  'verify.clean': '已校验 {events} 个事件：没有错误。',
  'verify.faults': '已校验 {events} 个事件：{faults} 处错误。',
  'verify.payloads': '负载：{checked} 个已按契约检查，{unchecked} 个没有契约。',
  'verify.deleted': '迄今已删除 {events} 个事件、{commands} 个命令结局。找不到的起因可能在其中。',

  // lint-names
  'lint-names.summary': '按命名规则检查名称',
  'lint-names.note':
    '不给名称时检查 --contracts 的名称，否则检查日志中的名称。有名称违反规则时退出码为 1。',
  'lint-names.argument': '要检查的事件名称',
  'lint-names.option.verb': '团队增加的动词，用过去式（如 Nudged）；可重复给出',
  'lint-names.example.log': '日志中的类型',
  'lint-names.example.name': '一个名称',
  'lint-names.suggestion': '建议：{name}',
  'lint-names.done': '已检查 {names} 个名称，{wrong} 个违反规则。',

  // doctor
  'doctor.summary': '检查本机、日志和契约，并说明该怎么做',
  'doctor.example': '同时检查应用的契约',
  'doctor.ok': '正常',
  'doctor.warn': '注意',
  'doctor.fail': '故障',
  'doctor.tidings': '版本 {version}',
  'doctor.node': '版本 {version}',
  'doctor.sqlite': '版本 {version}',
  'doctor.memory': 'memory:（随进程结束而消失）',
  'doctor.file': '{file}，{size}',
  'doctor.wal': '{size}',
  'doctor.wal-todo': '有什么使它无法写回：请找出一直不结束的读取者并重启它。',
  'doctor.rights': '可读可写（{mode}）',
  'doctor.rights-missing': '无法读写：{paths}',
  'doctor.rights-missing-todo': '请给当前用户该文件及其目录的读写权限（SQLite 会在文件旁边写入）。',
  'doctor.rights-open': '任何人都可以写入（{mode}）',
  'doctor.rights-open-todo': '请收回该权限：chmod o-w {file}',
  'doctor.disk': '剩余 {size}',
  'doctor.disk-todo': '请腾出空间：磁盘已满时无法追加事件。',
  'doctor.journal': '{mode}',
  'doctor.journal-todo': '被其他程序改动过。应用或写入类子命令打开此日志后，会重新变为 wal。',
  'doctor.schema': '版本 {version}，由 {by} 创建',
  'doctor.schema-none': '这不是 tidings 的日志',
  'doctor.schema-none-todo': '请用 --store sqlite:文件 指定正确的文件。',
  'doctor.pages': '共 {count} 页，每页 {size} 字节，其中 {free} 页空闲',
  'doctor.database-unreadable': 'SQLite 无法读取：{reason}',
  'doctor.database-unreadable-todo': '请恢复备份，或用 --store sqlite:文件 指定另一个文件。',
  'doctor.log': '{streams} 个流中共 {events} 个事件，最后位置 {head}',
  'doctor.log-todo': '请按提示处理，然后再次运行 doctor。',
  'doctor.clock': '{now}',
  'doctor.clock-past': '{now} 早已过去',
  'doctor.clock-behind': '{now} 早于最近记录的事件（{last}）：在此之前记录时间停滞不前',
  'doctor.clock-todo': '请校准本机时钟（timedatectl set-ntp true）。',
  'doctor.contract': '由 {vendor} 直接检查',
  'doctor.contract-compiled': '由 {vendor} 检查，已编译',
  'doctor.contract-slow': '由 {vendor} 检查，未编译',
  'doctor.contract-slow-todo': '在命令行工具旁安装 zod 4.5 或更高版本，检查速度约为四倍。',
  'doctor.contracts-todo': '请修正契约，然后再次运行 doctor。',

  // backup
  'backup.summary': '把整个日志复制到新文件，写入进行中也可以',
  'backup.argument': '新文件',
  'backup.example': '一份可独立打开的副本',
  'backup.exists': '{file} 已经存在。',
  'backup.exists-hint': '备份从不覆盖文件。请另取名称，或先删除它。',
  'backup.done': '已复制到 {file}（{size}）。',

  // migrate
  'migrate.summary': '把日志的表结构更新到本版本',
  'migrate.note.when':
    '应用打开日志时会自行更新，除非它另有设置或其角色无权更新。多个进程同时更新时只有一个执行，其余等待。\n全部在一个事务中完成。日志不存在时会新建。',
  'migrate.note.oldest':
    '输出会说明仍可运行的应用至少须认识哪个结构版本：这些应用在更新期间及之后可继续运行。\n--dry-run 打印供 psql 或 sqlite3 使用的 SQL，不做任何改动。',
  'migrate.option.dry-run': '只打印 SQL，不做改动',
  'migrate.option.schema': '数据库中有多个日志时的模式名（默认：URL 中的，否则为 tidings）',
  'migrate.example.plain': '在新版本上线之前',
  'migrate.example.dry-run': '查看对多个日志之一会做什么',
  'migrate.memory': '内存中的日志没有可更新的结构。',
  'migrate.memory-hint': '请指定文件或数据库：--store sqlite:FILE、--store postgres://…',
  'migrate.no-schema': '--schema 指定 PostgreSQL 的模式；{location} 没有模式。',
  'migrate.current': '{location}：结构版本 {to}，与本版本一致。无需操作。',
  'migrate.done': '{location}：已从结构版本 {from} 更新到 {to}。',
  'migrate.made': '{location}：已新建，结构版本 {to}。',
  'migrate.would': '{location}：从结构版本 {from} 到 {to}。未做任何改动。',
  'migrate.oldest': '认识结构版本 {oldest} 或更高版本的应用可继续运行。',
}
