import { newId } from 'tidings'

export interface Whereabouts {
  readonly url: string
  /** The port that was asked for; 0 for any. */
  readonly wantedPort: number
  /** The file of the log. */
  readonly file: string
}

/** What a person reads first: where it is, and lines that work when they are pasted in this order. */
export function welcome({ url, wantedPort, file }: Whereabouts): string {
  const todo = newId()
  const trace = newId()
  const store = `--store sqlite:${file}`
  const json = `-H 'Content-Type: application/json'`
  const correlation = `-H 'X-Correlation-Id: ${trace}'`
  const moved = wantedPort !== 0 && new URL(url).port !== String(wantedPort)
  const why = moved ? `Port ${wantedPort} is taken: this one was free.\n` : ''
  return `${why}The todo service answers on ${url} and keeps its log in ${file}.

Try it, in another terminal:
  curl -X POST ${url}/todos ${correlation} ${json} -d '{"todoId":"${todo}","title":"Water the plants"}'
  curl -X POST ${url}/todos/${todo}/complete ${correlation}
  curl -N '${url}/feed?after=0'

Look into the log:
  npx tidings events ${store}
  npx tidings trace ${trace} ${store}
  npx tidings verify ${store}

Events appear here as they are recorded. Ctrl-C stops.`
}
