/** What a bench is made of. A bench file exports one `Bench`; the harness does the rest. */

/** Which clock judges: elapsed time where a disk is waited for, CPU time where none is. */
export type ClockKind = 'wall' | 'cpu'

export interface Sample {
  /** How many operations were done. */
  readonly count: number
  /** Anything else that was seen: bytes, instantiations, … */
  readonly figures?: Readonly<Record<string, number>>
}

/** A variant that has been set up in its own process and waits to be sampled. */
export interface Running {
  /** Not timed: makes the input of the next sample. */
  readonly prepare?: () => Promise<void> | void
  /** Timed: the work alone. */
  readonly sample: () => Promise<Sample> | Sample
  /** Not timed: lets what the sample left behind come to rest, so that it burdens nobody else. */
  readonly settle?: () => Promise<void> | void
  readonly stop?: () => Promise<void> | void
}

export interface Setting {
  /** An empty folder of this variant's own, on the disk of the repository. */
  readonly folder: string
  /** What the bench's `seed` made, for all variants to read. */
  readonly shared: string
  /** 1 for a measurement; a small fraction for a test of the bench itself. */
  readonly scale: number
}

export interface Variant {
  readonly name: string
  /** Only shown: no goal speaks of it. */
  readonly informative?: boolean
  /** It needs what `bench/peers` installs. */
  readonly needsPeers?: boolean
  /** It does less than the others, and need not agree with them. */
  readonly otherWork?: boolean
  /** NODE_ENV is `production` where it is not given, as it is where speed counts: in development payloads are frozen to the bottom. */
  readonly env?: Readonly<Record<string, string>>
  readonly start: (setting: Setting) => Promise<Running> | Running
}

/** The median of the per-round ratios `variant / reference`, in one run. Without a bound it is only shown. */
export interface RatioGoal {
  readonly kind: 'ratio'
  readonly variant: string
  readonly reference: string
  readonly atLeast?: number
  readonly atMost?: number
  /** What is compared: a figure of both; what the bench shows, without. */
  readonly figure?: string
  /** Says that the reference is a fair one; when it fails, the whole run proves nothing. */
  readonly fairness?: boolean
}

/** The median of one figure. */
export interface FigureGoal {
  readonly kind: 'figure'
  readonly variant: string
  readonly figure: string
  readonly unit: string
  readonly atMost: number
}

/** The median of the per-round differences `variant - reference`, in milliseconds an operation. */
export interface DifferenceGoal {
  readonly kind: 'difference'
  readonly variant: string
  readonly reference: string
  readonly atMost: number
}

export type Goal = RatioGoal | DifferenceGoal | FigureGoal

export interface Bench {
  readonly name: string
  /** One line for the list. */
  readonly summary: string
  readonly clock: ClockKind
  /** `rate`: operations per second, more is better; `time`: nanoseconds each, less is better. */
  readonly shows: 'rate' | 'time'
  /** What one operation is: `event`, `id`, `start`. */
  readonly unit: string
  readonly rounds: number
  readonly warmups: number
  readonly variants: readonly Variant[]
  readonly goals: readonly Goal[]
  /** The work is done by other programs, whose CPU time is not seen here. */
  readonly spawns?: boolean
  /** Figures to show beside the main column, in this order. */
  readonly figures?: readonly string[]
  /** A figure that is the same in every variant if they did the same work; the run fails where it is not. */
  readonly agreeOn?: string
  /** What a reader of the figures has to know. */
  readonly notes: readonly string[]
  /** Runs once, before any variant starts: makes what all of them read. */
  readonly seed?: (setting: Pick<Setting, 'shared' | 'scale'>) => Promise<void> | void
  /** Runs after the rounds, with the folders of the variants that did not fail; throws when they differ. */
  readonly verify?: (folders: ReadonlyMap<string, string>) => Promise<void> | void
}

/** One sample as the harness records it. */
export interface Measurement {
  readonly count: number
  readonly wallMs: number
  readonly cpuMs: number
  readonly figures: Readonly<Record<string, number>>
}

/** A number of operations at a scale, never none. */
export function scaled(count: number, scale: number): number {
  return Math.max(1, Math.round(count * scale))
}
