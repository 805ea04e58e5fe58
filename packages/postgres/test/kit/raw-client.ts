// The client itself, for twins that a bench measures: the benches have no dependencies of their own on it.
export { default as pg } from 'pg'
export type { Client, ClientBase, Pool, QueryArrayConfig } from 'pg'
