/** The texts of deletion and erasure, in English. */
export const enRetention = {
  'retention.summary':
    'delete old work and outcomes of commands, archived first; or say what would go',
  'retention.note.what':
    'Events of class work (tasks are) go, facts stay. Nothing goes that a subscription, a relay or a redrive\nhas still to read, and the last event of the log stays. Versions and positions go on as if all were there.',
  'retention.note.archive':
    "With --archive each event is in a file and on the disk before it is deleted; 'tidings import' reads the\nfiles. A run that was killed is run again: nothing is lost, and nothing is written twice.",
  'retention.note.streams':
    'With --stream all events of these streams go, facts too, and of a stream all or nothing.\nTIME is an ISO 8601 time with an offset, a day, or how long ago (2h, 7d).',
  'retention.option.older-than': 'delete what the log took before this time',
  'retention.option.commands': 'also forget outcomes of commands from before this time',
  'retention.option.stream': 'whole streams in place of work; may be given again',
  'retention.option.archive': 'write them to files in this folder first',
  'retention.option.gzip': 'compress these files',
  'retention.option.unsent': 'also what has a topic, where no relay ever ran',
  'retention.option.ignore':
    'a subscription that is gone for good, and holds nothing back; may be given again',
  'retention.option.dry-run': 'say what would go, and delete nothing',
  'retention.example.look': 'what was deleted so far, and what holds events back',
  'retention.example.dry-run': 'what would go',
  'retention.example.archive': 'archive a week-old backlog of work, then delete it',
  'retention.needs-time':
    'What is to be deleted is older than something: --older-than or --commands is missing.',
  'retention.needs-archive': '--gzip is about the files of --archive.',
  'retention.needs-older':
    '--stream, --archive and --unsent are about events: --older-than is missing.',
  'retention.busy': 'Another process deletes from this log just now.',
  'retention.busy-hint':
    'Try again when it is done; the application does it now and then by itself.',
  'retention.question': 'Delete {events} {events|event|events} for good?',
  'retention.question-archived':
    'Archive {events} {events|event|events} to {folder}, then delete them?',
  'retention.question-commands': 'Forget outcomes of commands from before {before}?',
  'retention.so-far':
    'Deleted so far: {events} {events|event|events}, {commands} {commands|outcome|outcomes} of commands.',
  'retention.due': '{events} {events|event|events} would go.',
  'retention.done':
    'Deleted: {events} {events|event|events}, {commands} {commands|outcome|outcomes} of commands.',
  'retention.archived': '{events} of them are in {folder}.',
  'retention.interrupted': 'Interrupted; the same call goes on from here.',
  'retention.hold.subscription': 'The subscription {name} has read up to position {position}.',
  'retention.hold.reset': 'A reset of {name} to position {position} was asked for and is not done.',
  'retention.hold.parked':
    '{count} parked {count|event|events} stay until they are resolved or discarded.',

  'erase.summary': 'empty payloads for good, wherever the log holds them; or say what would be',
  'erase.note.where':
    'The events stay, without their payload: no handler is given them, no state is folded from them. So do\ntasks that they led to, parked events, outcomes of commands; their snapshots go, their timers are\ncancelled. Who asked, when and why is kept. Rows that are your own are yours to erase.',
  'erase.note.copies':
    'Backups, archives and topics keep what they have. SQLite overwrites what is freed in the file, PostgreSQL\nwhen it vacuums.',
  'erase.option.stream': 'the events of this stream; may be given again',
  'erase.option.event': 'this event; may be given again',
  'erase.option.list': 'list what was erased so far',
  'erase.option.dry-run': 'say what would be emptied, and do none of it',
  'erase.example.dry-run': 'first look',
  'erase.example.stream': 'all of a customer, from a script',
  'erase.example.list': 'what was erased, by whom and why',
  'erase.nothing': 'An erasure names streams or events: --stream or --event is missing.',
  'erase.no-reason': 'An erasure is kept with its reason: --because is missing.',
  'erase.question': 'Empty {events} {events|event|events} for good? It cannot be undone.',
  'erase.would': 'Would empty:',
  'erase.done': 'Emptied, as erasure {id}:',
  'erase.counts':
    '{events} {events|event|events}, {snapshots} {snapshots|snapshot|snapshots}, {parked} parked, {commands} {commands|outcome|outcomes} of commands, {timers} {timers|timer|timers}',
  'erase.none': 'Nothing was erased so far.',
  'erase.one': '{time}  {id}  {by}: {reason}',
} as const
