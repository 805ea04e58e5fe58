import type { enServer } from './en-server.ts'

/** doctor 关于数据库服务器的中文文本：键与占位符同 en-server.ts。 */
export const zhServer: { readonly [Key in keyof typeof enServer]: string } = {
  'doctor.server': 'PostgreSQL {version} 版',
  'doctor.server-todo': '请使用 PostgreSQL 15 或更高版本。',
  'doctor.writes': '可写入',
  'doctor.read-only': '服务器或此会话不接受写入',
  'doctor.read-only-todo': '应用请连接主服务器（备用服务器可供读取）。',
  'doctor.commits': 'synchronous_commit 为 {setting}',
  'doctor.commits-off': 'synchronous_commit 为 off：服务器崩溃可能丢失已确认的提交',
  'doctor.commits-todo': '为应用的角色设为 on：ALTER ROLE … SET synchronous_commit = on。',
  'doctor.unsafe': '{settings} 已关闭：断电可能损坏数据库',
  'doctor.unsafe-todo': '只适合测试：请打开并重启服务器。',
  'doctor.connections': '已用 {used}，上限 {max}',
  'doctor.connections-todo': '请调低各存储的 connections、使用连接池，或调高 max_connections。',
  'doctor.messages': '能收到 LISTEN 的通知：等待者会立即被唤醒',
  'doctor.no-messages':
    '收不到 LISTEN 的通知：等待者每 5 至 250 毫秒查询一次（中间有事务模式的连接池，如 PgBouncer）',
  'doctor.no-messages-todo': '打开存储时请设 prepare: false 和 listen: false，或直接连接服务器。',
  'doctor.no-schema': '此处没有日志，或此角色无权查看',
  'doctor.no-schema-todo':
    '请指定其模式（?schema=名称），或新建：启动应用，或运行 tidings migrate。',
  'doctor.lock-free': '无人持有',
  'doctor.lock-held': '{who}（进程 {pid}，{state}）已持有 {time}；{waiting} 个在等待',
  'doctor.session-todo': '请查明它在等待什么；要结束它：select pg_terminate_backend({pid})。',
  'doctor.transactions': '没有打开一分钟以上的事务',
  'doctor.transaction': '已打开 {time}：{who}（进程 {pid}，{state}）；它结束之前无法清理死行',
  'doctor.hidden': '此角色无权查看他人的 {sessions} 个会话（GRANT pg_read_all_stats）',
  'doctor.no-bloat': '死行已得到清理',
  'doctor.bloat': '{table}：{live} 行之外有 {dead} 个死行',
  'doctor.bloat-todo':
    '请查找长时间打开的事务，然后执行：VACUUM {table}。若再次出现，请让 autovacuum 更频繁。',
  'doctor.deferred': '{waiting} 个延后的追加，最早的已等 {time}：没有进程追加它们',
  'doctor.deferred-todo': '请启动一个在此日志上有订阅的应用。',
  'doctor.refused': '{refused} 个延后的追加永远无法追加',
  'doctor.refused-todo': '请查看 deferred_appends 的 refused 列，补上缺失的内容，并删除这些行。',
}
