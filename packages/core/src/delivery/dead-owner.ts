import { hostname } from 'node:os'

/** Whether an owner was a process of this machine, and is none any more. */
export function isDeadHere(owner: string): boolean {
  const [, host, pid] = /^(.+):(\d+):[^:]+$/.exec(owner) ?? []
  if (host !== hostname() || pid === undefined || Number(pid) === process.pid) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return (error as { code?: string }).code === 'ESRCH'
  }
}
