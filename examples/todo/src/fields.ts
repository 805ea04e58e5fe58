import { z } from 'zod'

/** Fields that contracts share. Ids are compared as text, so there is one way to write each: in small letters. */
export const id = z.uuid().lowercase()
export const time = z.iso.datetime({ offset: true })

/** All events of a todo in order, or all of a user. */
export const byTodo = ({ todoId }: { todoId: string }): string => todoId
export const byUser = ({ userId }: { userId: string }): string => userId
