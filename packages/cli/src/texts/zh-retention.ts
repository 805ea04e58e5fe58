import type { enRetention } from './en-retention.ts'

/** 删除与擦除的文本，中文。 */
export const zhRetention: { readonly [Key in keyof typeof enRetention]: string } = {
  'retention.summary': '删除旧的工作事件与命令结局，可先归档；或说明哪些会被删除',
  'retention.note.what':
    '删除的是类别为 work 的事件（任务即是），事实会保留。订阅、中继或重新投递还要读的一律不删，日志的\n最后一个事件也保留。版本和位置照常继续。',
  'retention.note.archive':
    "使用 --archive 时，每个事件先写入文件并落盘，然后才删除；'tidings import' 可读回这些文件。被杀死的\n运行再运行一次即可：不丢失，也不重复写入。",
  'retention.note.streams':
    '使用 --stream 时删除这些流的全部事件，包括事实；一个流要么全删，要么不删。\nTIME 是带时区的 ISO 8601 时间、日期或多久以前（2h、7d）。',
  'retention.option.older-than': '删除日志在此时间之前收到的事件',
  'retention.option.commands': '同时忘记此时间之前的命令结局',
  'retention.option.stream': '删除整个流，而不是工作事件；可多次给出',
  'retention.option.archive': '先写入此文件夹中的文件',
  'retention.option.gzip': '压缩这些文件',
  'retention.option.unsent': '从未运行过中继时，也删除有主题的事件',
  'retention.option.ignore': '已永久停用、不再阻挡删除的订阅；可多次给出',
  'retention.option.dry-run': '只说明会删除什么，不删除',
  'retention.example.look': '迄今删除了什么，什么在阻挡删除',
  'retention.example.dry-run': '哪些会被删除',
  'retention.example.archive': '先归档一周前的工作事件，再删除',
  'retention.needs-time': '要删除的须早于某个时间：缺少 --older-than 或 --commands。',
  'retention.needs-archive': '--gzip 针对 --archive 的文件。',
  'retention.needs-older': '--stream、--archive 和 --unsent 针对事件：缺少 --older-than。',
  'retention.busy': '另一个进程正在从此日志删除。',
  'retention.busy-hint': '待其完成后重试；应用会不时自行删除。',
  'retention.question': '永久删除 {events} 个事件？',
  'retention.question-archived': '将 {events} 个事件归档到 {folder}，然后删除？',
  'retention.question-commands': '忘记 {before} 之前的命令结局？',
  'retention.so-far': '迄今已删除：{events} 个事件，{commands} 个命令结局。',
  'retention.due': '将删除 {events} 个事件。',
  'retention.done': '已删除：{events} 个事件，{commands} 个命令结局。',
  'retention.archived': '其中 {events} 个在 {folder} 中。',
  'retention.interrupted': '已中断；再次调用即从此处继续。',
  'retention.hold.subscription': '订阅 {name} 已读到位置 {position}。',
  'retention.hold.reset': '已请求将 {name} 重置到位置 {position}，尚未执行。',
  'retention.hold.parked': '{count} 个搁置事件保留到解决或丢弃为止。',

  'erase.summary': '永久清空负载，无论日志把它存在何处；或说明会清空什么',
  'erase.note.where':
    '事件保留，但没有负载：不会交给任何处理函数，也不参与状态计算。由其引出的任务、搁置事件和命令结局\n同样清空；其快照删除，其定时器取消。谁在何时因何请求会被保留。您自己的表行由您自己擦除。',
  'erase.note.copies':
    '备份、归档和主题保留其已有内容。SQLite 会覆盖文件中释放的空间，PostgreSQL 在清理（vacuum）时覆盖。',
  'erase.option.stream': '此流的事件；可多次给出',
  'erase.option.event': '此事件；可多次给出',
  'erase.option.list': '列出迄今擦除的内容',
  'erase.option.dry-run': '只说明会清空什么，不执行',
  'erase.example.dry-run': '先看一看',
  'erase.example.stream': '某个客户的全部，用于脚本',
  'erase.example.list': '擦除了什么、由谁、为何',
  'erase.nothing': '擦除须指明流或事件：缺少 --stream 或 --event。',
  'erase.no-reason': '擦除会连同原因一起保留：缺少 --because。',
  'erase.question': '永久清空 {events} 个事件？此操作无法撤销。',
  'erase.would': '将清空：',
  'erase.done': '已清空，擦除编号 {id}：',
  'erase.counts':
    '{events} 个事件，{snapshots} 个快照，{parked} 个搁置事件，{commands} 个命令结局，{timers} 个定时器',
  'erase.none': '迄今未擦除任何内容。',
  'erase.one': '{time}  {id}  {by}：{reason}',
}
