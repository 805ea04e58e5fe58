import { defineModule } from 'tidings'
import { Access } from './access.ts'
import { grantPermission, Permissions } from './permissions.ts'

export const auditModule = defineModule('audit', [Access, Permissions, grantPermission])
