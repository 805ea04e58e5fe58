/** A message of a feed. */
export interface FeedMessage {
  readonly id: string
  readonly event: string
  readonly data: string
}

/**
 * The messages of a feed as they come, without its comments.
 *
 * @param headers `Last-Event-ID`, for example
 * @throws {Error} the feed is refused; the signal's reason when it is aborted
 */
export async function* readFeed(
  url: string,
  options: { readonly headers?: Record<string, string>; readonly signal?: AbortSignal } = {},
): AsyncGenerator<FeedMessage> {
  const response = await fetch(url, options)
  if (!response.ok || response.body === null) {
    throw new Error(`The feed was refused with ${response.status}: ${await response.text()}`)
  }
  let rest = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + chunk).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const message = parseMessage(block)
      if (message !== undefined) yield message
    }
  }
}

function parseMessage(block: string): FeedMessage | undefined {
  const fields = new Map(
    block
      .split('\n')
      .filter((line) => !line.startsWith(':'))
      .map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  )
  const data = fields.get('data')
  if (data === undefined) return undefined
  return { id: fields.get('id') ?? '', event: fields.get('event') ?? 'message', data }
}
