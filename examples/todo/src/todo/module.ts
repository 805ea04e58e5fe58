import { defineModule, type AppOf, type Module } from 'tidings'
import { Todo } from './todo.ts'

export const todoModule: Module<'todo', typeof Todo> = defineModule('todo', [Todo])

/** The application, under a name that an editor can show. */
export interface TodoApp extends AppOf<readonly [typeof todoModule]> {}
