import { defineModule, type Module } from 'tidings'
import { Todo } from './todo.ts'

export const todoModule: Module<'todo', typeof Todo> = defineModule('todo', [Todo])
