#!/usr/bin/env node
// Read by whatever Node the machine has, so: no syntax newer than Node 12, and no import that runs
// before the check. Without the check, an older Node would stop at a missing 'node:sqlite' or at a
// syntax error inside dist/, and would not say what to do.
var wanted = 24
var version = process.versions.node
var major = Number(version.split('.')[0])

if (major >= wanted) {
  import('../dist/main.js')
} else {
  process.stderr.write(
    'tidings needs Node ' +
      wanted +
      ' or later (this is v' +
      version +
      ').\n' +
      'Run it once with a newer one:  npx -p node@' +
      wanted +
      ' -p @tidings/cli tidings ' +
      process.argv.slice(2).join(' ') +
      '\n' +
      'or install one: https://nodejs.org, or your version manager (nvm install ' +
      wanted +
      ', fnm install ' +
      wanted +
      ', volta install node@' +
      wanted +
      ').\n',
  )
  process.exitCode = 1
}
