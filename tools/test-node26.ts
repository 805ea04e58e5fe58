/**
 * The unit tests once more, and those of a subscription in shards, on the Node that comes next. That
 * Node is a package too, but not one of the lock file, which has 24: npm fetches it into its own cache on
 * the first run.
 */
import { spawnSync } from 'node:child_process'

const version = '26.10.0'

const node = findNode()
if (node === undefined) {
  console.error(
    `Node ${version} could not be fetched (package 'node@${version}'): see above for what npm says.\n` +
      'Once fetched, it is in the cache of npm and this works without a network.',
  )
  process.exitCode = 1
} else {
  const given = process.argv.slice(2)
  const unit = ['--project', 'unit', ...given]
  // These count as integration for the time alone that their leases take.
  const shards = ['--project', 'integration', 'packages/core/test/delivery/sharded-subscription']
  for (const chosen of given.length === 0 ? [unit, shards] : [unit]) {
    const args = ['node_modules/vitest/vitest.mjs', 'run', ...chosen]
    const { status } = spawnSync(node, args, { stdio: 'inherit' })
    if (status !== 0) process.exitCode = status ?? 1
  }
}

function findNode(): string | undefined {
  const { status, stdout } = spawnSync(
    'npm',
    [
      'exec',
      '--yes',
      '--prefer-offline',
      `--package=node@${version}`,
      '--call',
      'node -p "JSON.stringify([process.version, process.execPath])"',
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
  if (status !== 0) return undefined
  const [found, path] = JSON.parse(stdout.trim()) as [string, string]
  if (found === `v${version}`) return path
  console.error(`npm ran ${path}, which is ${found}.`)
  return undefined
}
