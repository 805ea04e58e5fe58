import { newId } from 'tidings'

export interface Whereabouts {
  readonly url: string
  /** The port that was asked for; 0 for any. */
  readonly wantedPort: number
  /** Where the log is, as it was said. */
  readonly store: string
  /** Where the relay writes what goes to topics. */
  readonly topicsFile: string
}

/** What a person reads first: where it is, and lines that work when they are pasted in this order. */
export function welcome({ url, wantedPort, store: address, topicsFile }: Whereabouts): string {
  const todoId = newId()
  const todo = `${url}/todos/${todoId}`
  const trace = newId()
  const place = withoutPassword(address)
  // What is printed here ends up in logs: with a password, the reader puts the address in its place.
  const store = `--store ${place === address ? shellWord(address) : '"$TIDINGS_STORE"'}`
  const secret = place === address ? '' : ' (TIDINGS_STORE is to hold its address)'
  const json = `-H 'Content-Type: application/json'`
  const correlation = `-H 'X-Correlation-Id: ${trace}'`
  const moved = wantedPort !== 0 && new URL(url).port !== String(wantedPort)
  const why = moved ? `Port ${wantedPort} is taken: this one was free.\n` : ''
  return `${why}The todo service answers on ${url} and keeps its log in ${place}.

Try it, in another terminal:
  curl -X POST ${url}/todos ${correlation} ${json} -d '{"todoId":"${todoId}","title":"Water the plants"}'
  curl -X POST ${todo}/reminders ${json} -d '{"reminderType":"push","due":"2s"}'
  curl -N '${url}/feed?after=0'

A handler that fails: the mail server refuses you, until you say otherwise.
  curl -X PUT ${url}/mail-server/refused
  curl -X POST ${todo}/reminders ${json} -d '{"reminderType":"email","due":"1s"}'
  npx tidings dead-letters list ${store}
  curl -X DELETE ${url}/mail-server/refused
  npx tidings dead-letters redrive --subscription email --wait ${store}

Look into the log${secret}:
  curl -X POST ${todo}/complete ${correlation}
  npx tidings events ${store}
  npx tidings trace ${trace} ${store}
  npx tidings subscriptions list ${store}
  npx tidings verify ${store}

What goes to topics is a line of ${topicsFile}.
Events appear here as they are recorded. Ctrl-C stops.`
}

function withoutPassword(address: string): string {
  if (!URL.canParse(address)) return address
  const url = new URL(address)
  if (url.password === '') return address
  url.password = '***'
  return url.href
}

/** As it is where a shell takes it as it is. */
function shellWord(text: string): string {
  return /^[\w:./@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
