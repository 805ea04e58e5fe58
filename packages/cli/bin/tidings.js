#!/usr/bin/env node
// Read by whatever Node the machine has, so: no syntax newer than Node 12, and no import that runs
// before the check. Without the check, an older Node would stop at a missing 'node:sqlite' or at a
// syntax error inside dist/, and would not say what to do.
var wanted = 24
var version = process.versions.node

if (Number(version.split('.')[0]) >= wanted) {
  import('../dist/main.js')
} else {
  var words = process.argv.slice(2).map(function (word) {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\\''") + "'"
  })
  var command = ['npx -p node@24 -p @tidings/cli tidings'].concat(words).join(' ')
  process.stderr.write(
    [
      'tidings needs Node 24 or later (this is v' + version + ').',
      'Run it once with a newer one:  ' + command,
      'or install one: https://nodejs.org, or your version manager, for example nvm install 24',
      '',
    ].join('\n'),
  )
  process.exitCode = 1
}
