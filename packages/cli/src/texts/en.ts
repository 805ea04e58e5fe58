import { enDelivery } from './en-delivery.ts'
import { enServer } from './en-server.ts'
import { enRetention } from './en-retention.ts'

/**
 * Every text of the command line, in English. `{name}` is a slot; `{name|one|many}` picks a word by a
 * number. The Chinese ones are in zh.ts, under the same keys and with the same slots.
 */
export const en = {
  ...enDelivery,
  ...enServer,
  ...enRetention,

  // Help
  'help.what': 'import, read, trace, verify and export an event log',
  'help.usage': 'Usage',
  'help.usage-line': 'tidings VERB [options]',
  'help.verbs': 'Verbs',
  'help.arguments': 'Argument',
  'help.options': 'Options',
  'help.options-slot': '[options]',
  'help.common-options': 'Options of every verb',
  'help.group-usage': 'tidings {group} VERB [options]',
  'help.group-more': "'tidings {group} VERB --help' tells more of each, with examples.",
  'help.examples': 'Examples',
  'help.exit-codes': 'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but with rejects.',
  'help.more': "'tidings VERB --help' tells more of each verb, with examples.",

  // Options
  'option.store':
    'the log: sqlite:FILE, postgres://… or memory: (default: TIDINGS_STORE, else sqlite:tidings.db)',
  'option.json': 'print JSON: one object, or one per line for a list',
  'option.lang': 'language of all texts (default: LC_ALL, LC_MESSAGES, LANG)',
  'option.help': 'show this help',
  'option.version': 'show the version',
  'option.contracts': 'a file or package that exports the contracts (.ts, .js)',
  'option.type': 'only this type; * is one segment, ** any number of them; may be given again',
  'option.stream': 'only this stream: aggregateType/aggregateId',
  'option.correlation': 'only this correlation id',
  'option.tenant': 'only this tenant',
  'option.since': 'only events that happened at this time or later',
  'option.until': 'only events that happened before this time',
  'option.after': 'only after this position; with --reverse only before it; end is the last one',
  'option.limit': 'at most so many events',
  'note.filters':
    'TIME is an ISO 8601 time with an offset (2026-11-21T09:30:00Z), a day (2026-11-21, from its first\nmoment in UTC), or how long ago: 30s, 90m, 2h, 7d, 1w. It is the time at which the event happened,\nnot the one at which it was recorded.',

  // Wrong usage
  'usage.no-verb': 'No verb: what shall be done?',
  'usage.see-help': "See 'tidings --help', or 'tidings VERB --help'.",
  'usage.see-verb-help': "See 'tidings {verb} --help'.",
  'usage.no-sub-verb': "'{group}' needs one of {verbs}.",
  'usage.unknown-verb': "There is no verb '{name}'.",
  'usage.unknown-option': "There is no option '{option}' here.",
  'usage.did-you-mean': 'Did you mean {name}?',
  'usage.value-on-flag': "{option} takes no value, but got '{value}'.",
  'usage.value-missing': '{option} needs a value: {option} {value}.',
  'usage.value-with-dash': "If '{value}' is meant to be the value, write {option}={value}.",
  'usage.surplus-word': "'{word}' is one word too many for '{verb}'.",
  'usage.argument-missing': "'{verb}' needs {value}.",
  'usage.not-a-count': "{option} is a whole number from {least} up, but got '{value}'.",
  'usage.not-a-time': "{option} is a time, but got '{value}'.",
  'usage.time-forms':
    'Write an ISO 8601 time with an offset (2026-11-21T09:30:00Z), a day (2026-11-21), or how long ago (30s, 90m, 2h, 7d, 1w).',
  'usage.not-a-choice': "{option} is one of {choices}, but got '{value}'.",

  // Errors
  'error.label': 'error: ',
  'error.unexpected': 'Something went wrong that should not be able to.\n{stack}',
  'error.unexpected-hint': 'This is a fault of tidings. Please report it with the lines above.',

  // The store
  'store.unknown-location': "'{location}' does not say where the log is.",
  'store.write-it': 'For a file, write --store sqlite:{location}',
  'store.forms':
    'Write --store sqlite:FILE for a file, --store postgres://USER@HOST/DATABASE for a database, or --store memory: for a log that ends with the process.',
  'store.missing': 'There is no log at {file}.',
  'store.not-a-log': '{file} is a database, but no log of tidings.',
  'store.not-a-file': '{file} is no file.',
  'store.missing-hint':
    'Name another one with --store sqlite:FILE or TIDINGS_STORE, or begin one: tidings import FILE, or start your application.',
  'store.needs-postgres':
    'A log in PostgreSQL needs the package @tidings/postgres, and none is found from {folder}.',
  'store.needs-postgres-hint':
    'Call it from the folder of your application, or install it: npm install @tidings/postgres',
  'store.needs-sqlite': 'This verb needs a log in a file.',

  // Filters
  'filter.not-a-stream': "'{value}' is no stream.",
  'filter.stream-form': "A stream is aggregateType/aggregateId; 'tidings streams' lists them.",
  'filter.no-such-type': "No event of this log is of type '{name}'.",

  // Columns
  'column.position': 'POSITION',
  'column.time': 'TIME',
  'column.type': 'TYPE',
  'column.stream': 'STREAM',
  'column.stream-version': 'VERSION',
  'column.event-id': 'EVENT ID',
  'column.events': 'EVENTS',
  'column.first-seen': 'FIRST (UTC)',
  'column.last-seen': 'LAST (UTC)',
  'column.versions': 'VERSIONS',

  // Progress
  'progress.rate': '{count} {count|event|events}, {rate}/s',
  'progress.rest': '{time} left',

  // Contracts
  'contracts.missing': 'There is no file for --contracts {module}: {path} does not exist.',
  'contracts.missing-hint':
    'Give a path from the current folder (./src/contracts.ts), or the name of an installed package.',
  'contracts.does-not-load': '--contracts {module} does not load: {reason}',
  'contracts.does-not-load-hint':
    'Node runs TypeScript files by leaving the types out: imports need their .ts, and enums or parameter properties are not possible.',
  'contracts.none': '--contracts {module} exports no contract. It exports: {names}.',
  'contracts.none-hint':
    'Export what defineEvent, defineCommand, defineTask, defineAggregate or defineModule return, alone or in arrays.',
  'contracts.no-exports': 'nothing',

  // import
  'import.summary': 'bring events of a file or a pipe into the log',
  'import.argument': 'NDJSON, also compressed with gzip; - is standard input',
  'import.option.unknown':
    'with --contracts: events of a type without a contract (default: reject)',
  'import.option.rejects': 'where lines go that were not stored (default: FILE.rejects.ndjson)',
  'import.option.default-time': 'the time of events that say none; without it they are rejected',
  'import.option.max-event-bytes': 'largest event: bytes of payload and metadata (default: 900000)',
  'import.note.formats':
    'Each line is an event: a Tidings envelope or a CloudEvent (1.0, structured). Blank lines, CRLF and a\nbyte order mark are fine; a line may have 16 MiB. A line that cannot be stored goes to the rejects\nfile, which is written anew, with its number, the reason and a pointer; all others are stored.',
  'import.note.again':
    'Events are known by their ids: those that are in the log already are passed over, so an import that\nwas stopped is finished by running it again. Positions follow the order of the file. With\n--store memory: nothing is kept: a rehearsal.',
  'import.note.foreign':
    "Without aggregatetype a CloudEvent's source is its aggregate type (/permits/receipt becomes\npermits.receipt) and its subject, else its id, the aggregate id. Without --contracts only the\nenvelope is checked, and names are kept as they come.",
  'import.note.sensitive':
    'No reason shows a value of a field that a contract marks as sensitive, but the rejects file holds the\nlines themselves: keep it where the input is kept.',
  'import.example.plain': 'import a file into tidings.db',
  'import.example.contracts': 'check payloads too',
  'import.example.rehearse': 'see what would be rejected, and keep nothing',
  'import.example.pipe': 'copy a log',
  'import.unknown-needs-contracts':
    '--unknown says what to do with types without a contract, so it needs --contracts.',
  'import.rejects-is-input': '--rejects {file} is the file that is imported.',
  'import.rejects-unwritable': 'The rejects file {file} cannot be written: {reason}',
  'import.rejects-unwritable-hint':
    'Name another one with --rejects FILE, then run the same import again: it goes on where it is.',
  'import.unknown-type':
    "No contract is named '{type}'. Define it, add it to a contract's aliases, or import with --unknown keep.",
  'import.unknown-type-near':
    "No contract is named '{type}'; the nearest is '{nearest}'. Define it, add it to a contract's aliases, or import with --unknown keep.",
  'import.line-too-long': 'The line has {bytes} bytes; the longest that is read has {limit}.',
  'import.clash':
    'Event id {id} is in the log already with another content: {pointer} differs. An id stands for one event for ever; give this one its own.',
  'import.done':
    '{read} {read|line|lines} read: {stored} stored, {duplicates} {duplicates|duplicate|duplicates}, {rejected} rejected.',
  'import.done-kinds':
    '{streams} {streams|stream|streams}, {types} {types|type|types}, {seconds} s.',
  'import.rejects-of': '  {code}: {count}',
  'import.rejects-in': 'Rejected lines and reasons: {file}',
  'import.interrupted': 'Stopped after line {line}. Run the same command again to go on.',
  'import.broke-off':
    'Broke off after line {line}: {stored} {stored|event|events} stored so far, each batch whole. Run the same command again to go on.',
  'import.broke-off-at-once': 'Nothing of the input was stored.',
  'input.missing': 'There is no file {file}.',
  'input.directory': '{file} is a folder.',
  'input.unreadable': '{file} cannot be read: {reason}',
  'input.utf16': '{file} is UTF-16.',
  'input.utf16-hint': 'Events are read as UTF-8. Convert it first: iconv -f UTF-16 -t UTF-8 FILE',
  'input.gzip': '{file} is gzip, but damaged or cut short: {reason}',
  'input.gzip-hint':
    'What came before is stored. Get the whole file and run the same command again.',

  // events
  'events.summary': 'list events, the oldest first',
  'events.note.pipe':
    'On a terminal a table; in a pipe columns with tabs between them; --json has everything.',
  'events.option.reverse': 'the newest first',
  'events.option.follow': 'go on with what comes, until Ctrl-C or --limit',
  'events.example.latest': 'the last 20',
  'events.example.type': 'one domain, the last two hours',
  'events.example.stream': 'one aggregate, whole',
  'events.example.follow': 'only what comes from now on',
  'events.follow-reverse': '--follow goes forwards, --reverse backwards: take one of them.',

  // show
  'show.summary': 'show one event, whole',
  'show.argument': 'id of the event',
  'show.example': 'payload, metadata, and where it is',
  'show.not-an-id': "'{value}' is no event id: that is a UUID.",
  'show.find-ids': "'tidings events' lists events with their ids.",
  'show.missing': 'There is no event {id} in {store}.',
  'show.is-command': 'It is the id of a command. See what it led to: tidings trace {id}',

  // trace
  'trace.summary': 'show what led to what, as a tree',
  'trace.note':
    'Commands are marked with ⌘. What names a cause that is not in the trace stands at the root and says so.',
  'trace.argument': 'id of an event, of a command, or of the correlation',
  'trace.option.limit': 'at most so many events (default: 10000)',
  'trace.example': 'everything that belongs to one event',
  'trace.nothing': 'Nothing in {store} belongs to {id}.',
  'trace.more': 'Only the first {limit} events are shown; --limit N shows more.',
  'trace.correlation': 'Correlation {id}',
  'trace.failed': 'failed',
  'trace.failed-with': 'failed: {failure}',
  'trace.cause-missing': 'cause not in this trace: {id}',

  // streams, types, stats
  'streams.summary': 'list streams in order of name',
  'streams.option.prefix': 'only names that begin with this',
  'streams.option.after': 'only names after this one',
  'streams.option.limit': 'at most so many',
  'streams.example': 'the first 20 of one aggregate type',
  'types.summary': 'list types of event: how many, first and last seen, versions',
  'types.example': 'the most frequent first',
  'stats.summary': 'the log in a few figures',
  'stats.example': 'for a program',
  'stats.store': 'store',
  'stats.events': 'events',
  'stats.streams': 'streams',
  'stats.types': 'types',
  'stats.commands': 'commands',
  'stats.head': 'last position',
  'stats.first-recorded': 'first recorded',
  'stats.last-recorded': 'last recorded',
  'stats.bytes': 'on disk',
  'stats.subscription': 'subscription {name}',

  // export
  'export.summary': 'write events as NDJSON that import reads back',
  'export.note.out':
    'A file gets its name only when it is whole. Where its name ends in .gz it is compressed.',
  'export.option.format': 'what each line is (default: tidings)',
  'export.option.out': 'write to a file (default: standard output)',
  'export.example.all': 'the whole log, compressed',
  'export.example.cloudevents': 'one domain, as CloudEvents',
  'export.unwritable': '{file} cannot be written: {reason}',
  'export.done': '{events} {events|event|events} written to {file}',

  // verify
  'verify.summary': 'check the whole log, print what is wrong',
  'verify.note':
    'Checked are the database itself, positions, versions, ids, recorded times, that each cause is in the\nlog before its effect, and payloads: by --contracts, else by what applications declared in the log.\nExit code 1 when something is wrong.',
  'verify.option.partial': 'the log is a part of a larger one: causes may be elsewhere',
  'verify.example.plain': 'by what the log itself knows',
  'verify.example.contracts': 'payloads by your contracts',
  'verify.cause-missing':
    'its cause {id} is neither an event nor a command of this log (--partial if it is a part of a larger one)',
  'verify.cause-later':
    'its cause {id} stands after it, at position {position} (--partial if causes may be elsewhere)',
  'verify.payload': '{type}: at {pointer} expected {expected}, got {actual}',
  'verify.clean': '{events} {events|event|events} checked: nothing is wrong.',
  'verify.faults': '{events} {events|event|events} checked: {faults} {faults|fault|faults}.',
  'verify.payloads': 'Payloads: {checked} checked against a contract, {unchecked} without one.',
  'verify.deleted':
    'Deleted so far: {events} {events|event|events}, {commands} {commands|outcome|outcomes} of commands. A cause that is not there may be one of them.',

  // lint-names
  'lint-names.summary': 'check names against the naming rules',
  'lint-names.note':
    'Without names it checks those of --contracts, else those in the log. Exit code 1 when one breaks a rule.',
  'lint-names.argument': 'names of events to check',
  'lint-names.option.verb':
    'a verb in the past tense that your team adds (Nudged); may be given again',
  'lint-names.example.log': 'the types in the log',
  'lint-names.example.name': 'one name',
  'lint-names.suggestion': 'better: {name}',
  'lint-names.done': '{names} {names|name|names} checked, {wrong} against the rules.',

  // doctor
  'doctor.summary': 'check this machine, the store and the contracts; say what to do',
  'doctor.example': 'with the contracts of an application',
  'doctor.ok': 'ok',
  'doctor.warn': 'warn',
  'doctor.fail': 'FAIL',
  'doctor.tidings': 'version {version}',
  'doctor.node': 'version {version}',
  'doctor.sqlite': 'version {version}',
  'doctor.memory': 'memory: (ends with the process)',
  'doctor.file': '{file}, {size}',
  'doctor.wal': '{size}',
  'doctor.wal-todo':
    'Something keeps it from being written back: look for a reader that never ends, and restart it.',
  'doctor.rights': 'readable and writable ({mode})',
  'doctor.rights-missing': 'cannot be read and written: {paths}',
  'doctor.rights-missing-todo':
    'Give this user both rights on the file and on its folder (SQLite writes beside the file).',
  'doctor.rights-open': 'everybody may write to it ({mode})',
  'doctor.rights-open-todo': 'Take that right away: chmod o-w {file}',
  'doctor.disk': '{size} free',
  'doctor.disk-todo': 'Make room: an append on a full disk fails.',
  'doctor.journal': '{mode}',
  'doctor.journal-todo':
    'Another program changed it. It becomes wal again when an application or a writing verb opens the store.',
  'doctor.schema': 'version {version}, by {by}',
  'doctor.schema-none': 'this is no log of tidings',
  'doctor.schema-none-todo': 'Name the right file with --store sqlite:FILE.',
  'doctor.pages': '{count} of {size} bytes, {free} of them free',
  'doctor.database-unreadable': 'SQLite cannot read it: {reason}',
  'doctor.database-unreadable-todo':
    'Restore a backup, or name another file with --store sqlite:FILE.',
  'doctor.log': '{events} events in {streams} {streams|stream|streams}, last position {head}',
  'doctor.log-todo': 'Do what the message says, then run doctor again.',
  'doctor.clock': '{now}',
  'doctor.clock-past': '{now} is long ago',
  'doctor.clock-behind':
    '{now} is before the last recorded event ({last}): recorded times stand still until then',
  'doctor.clock-todo': 'Set the clock of this machine (timedatectl set-ntp true).',
  'doctor.contract': 'checked by {vendor} as it is',
  'doctor.contract-compiled': 'checked by {vendor}, compiled',
  'doctor.contract-slow': 'checked by {vendor}, not compiled',
  'doctor.contract-slow-todo':
    'Install zod 4.5 or later beside the command line for checks that are about four times as fast.',
  'doctor.contracts-todo': 'Mend the contracts, then run doctor again.',

  // backup
  'backup.summary': 'copy the whole log to a new file, also while it is written to',
  'backup.argument': 'the new file',
  'backup.example': 'a copy that opens as a store of its own',
  'backup.exists': '{file} is there already.',
  'backup.exists-hint': 'A backup never replaces a file. Name another one, or remove it first.',
  'backup.done': 'Copied to {file} ({size}).',

  // migrate
  'migrate.summary': 'bring the tables of the log to the form of this version',
  'migrate.note.when':
    'An application does it by itself when it opens the log, unless it says otherwise or its role may not.\nOf several that do it at once one does, the others wait. All of it is one transaction. A log that is\nnot there is made.',
  'migrate.note.oldest':
    'It says the oldest form that a running application may have been written for: those that know it go\non through the migration and after it. --dry-run prints SQL for psql or sqlite3, and changes nothing.',
  'migrate.option.dry-run': 'print the SQL, change nothing',
  'migrate.option.schema':
    'of a database with several logs (default: that of the URL, else tidings)',
  'migrate.example.plain': 'before the new version is rolled out',
  'migrate.example.dry-run': 'what would be done to one log of several',
  'migrate.memory': 'A log in memory has no form to change.',
  'migrate.memory-hint': 'Name a file or a database: --store sqlite:FILE, --store postgres://…',
  'migrate.no-schema': '--schema names a schema of PostgreSQL; {location} has none.',
  'migrate.current': '{location}: form {to}, which is that of this version. Nothing to do.',
  'migrate.done': '{location}: brought from form {from} to form {to}.',
  'migrate.made': '{location}: made, in form {to}.',
  'migrate.would': '{location}: from form {from} to form {to}. Nothing was changed.',
  'migrate.oldest': 'Applications that know form {oldest} or a later one may go on.',
} as const
