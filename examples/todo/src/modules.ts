import type { AppOf } from 'tidings'
import { analyticsModule, type AnalyticsOptions } from './analytics/module.ts'
import { auditModule } from './audit/module.ts'
import { notificationsModule } from './notifications/module.ts'
import type { NotificationPorts } from './notifications/ports.ts'
import { remindersModule } from './reminders/module.ts'
import { todoModule } from './todo/module.ts'

export interface ModuleOptions extends Partial<AnalyticsOptions> {
  /** How users are reached. */
  readonly ports: NotificationPorts
}

/** A module for each family of events, and for each a topic. */
export function todoModules({
  ports,
  productivityWindow = { size: 10, age: '1m' },
}: ModuleOptions) {
  return [
    todoModule,
    remindersModule,
    notificationsModule(ports),
    analyticsModule({ productivityWindow }),
    auditModule,
  ] as const
}

/** The application, under a name that an editor can show. */
export interface TodoApp extends AppOf<ReturnType<typeof todoModules>> {}
