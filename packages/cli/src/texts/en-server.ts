/** What doctor says of a database server, in English. */
export const enServer = {
  'doctor.server': 'PostgreSQL {version}',
  'doctor.server-todo': 'Use PostgreSQL 15 or later.',
  'doctor.writes': 'takes writes',
  'doctor.read-only': 'the server, or this session, takes no writes',
  'doctor.read-only-todo':
    'For an application, connect to the primary server (a standby can be read from).',
  'doctor.commits': 'synchronous_commit {setting}',
  'doctor.commits-off':
    'synchronous_commit is off: a crash of the server may lose commits that were acknowledged',
  'doctor.commits-todo':
    'Set it to on for the role of the application: ALTER ROLE … SET synchronous_commit = on.',
  'doctor.unsafe': '{settings} off: a loss of power may damage the database',
  'doctor.unsafe-todo': 'Right for tests only: switch it on, and restart the server.',
  'doctor.connections': '{used} of {max} in use',
  'doctor.connections-todo':
    "Lower 'connections' of the stores, put a pooler in between, or raise max_connections.",
  'doctor.messages': 'LISTEN is heard: who waits is woken at once',
  'doctor.no-messages':
    'LISTEN is not heard: who waits asks for more every 5 to 250 ms (a pooler in transaction mode, such as PgBouncer)',
  'doctor.no-messages-todo':
    'Open the store with prepare: false and listen: false, or connect it to the server itself.',
  'doctor.no-schema': 'there is no log here, or this role may not see it',
  'doctor.no-schema-todo':
    'Name its schema (?schema=NAME), or make it: start the application, or tidings migrate.',
  'doctor.lock-free': 'nobody holds it',
  'doctor.lock-held': 'held by {who} (process {pid}, {state}) for {time}; {waiting} waiting',
  'doctor.session-todo':
    'Find out what it waits for; to end it: select pg_terminate_backend({pid}).',
  'doctor.transactions': 'none is open for a minute or more',
  'doctor.transaction':
    'open for {time}: {who} (process {pid}, {state}); until it ends no dead row is cleared away',
  'doctor.hidden':
    '{sessions} {sessions|session|sessions} of others that this role may not look at (GRANT pg_read_all_stats)',
  'doctor.no-bloat': 'dead rows are cleared away',
  'doctor.bloat': '{table}: {dead} dead rows beside {live}',
  'doctor.bloat-todo':
    'Look for a transaction that is open for long, then: VACUUM {table}. If it comes back, let autovacuum work more often.',
  'doctor.deferred':
    '{waiting} deferred {waiting|append|appends}, the oldest for {time}: no process appends them',
  'doctor.deferred-todo': 'Start an application with a subscription on this log.',
  'doctor.refused': '{refused} deferred {refused|append|appends} that can never be appended',
  'doctor.refused-todo':
    'Look at the column refused of deferred_appends, see to what is missing, and delete the rows.',
} as const
