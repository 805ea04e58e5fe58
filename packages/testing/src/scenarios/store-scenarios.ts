import { checkHistory, idsOfHistory, randomHistory } from '../model/check-history.ts'
import { appendingScenarios } from './appending.ts'
import { committingScenarios } from './committing.ts'
import { consumerScenarios } from './consumers.ts'
import { deletingScenarios } from './deleting.ts'
import { deletingBesideScenarios } from './deleting-beside.ts'
import { erasingScenarios } from './erasing.ts'
import { expectedVersionScenarios } from './expected-version.ts'
import { scenario } from './expectations.ts'
import { fencingScenarios } from './fencing.ts'
import { fidelityScenarios } from './fidelity.ts'
import { filteringScenarios } from './filtering.ts'
import { gapSafetyScenarios } from './gap-safety.ts'
import { inboxScenarios } from './inbox.ts'
import { leasingScenarios } from './leasing.ts'
import { lifecycleScenarios } from './lifecycle.ts'
import { parkedFilterScenarios } from './parked-filters.ts'
import { parkingScenarios } from './parking.ts'
import { progressScenarios } from './progress.ts'
import { readingScenarios } from './reading.ts'
import { recordScenarios } from './records.ts'
import { repeatingScenarios } from './repeating.ts'
import { requestScenarios } from './requests.ts'
import type { Scenario } from './scenario.ts'
import { timingScenarios } from './timing.ts'
import { transactionScenarios } from './transactions.ts'

const HISTORY_STEPS = 400

/** Every promise of `Store`, as data. An adapter keeps them all, or is none. */
export const storeScenarios: readonly Scenario[] = Object.freeze([
  ...expectedVersionScenarios,
  ...appendingScenarios,
  ...repeatingScenarios,
  ...readingScenarios,
  ...filteringScenarios,
  ...fidelityScenarios,
  ...recordScenarios,
  ...lifecycleScenarios,
  scenario(
    'B60',
    'a long history by chance has the answers and the contents of the model',
    async (harness) => {
      const history = randomHistory(harness, HISTORY_STEPS)
      await checkHistory(await harness.open(), history, idsOfHistory(harness, history))
    },
  ),
  ...deletingScenarios,
  ...deletingBesideScenarios,
  ...erasingScenarios,
  ...transactionScenarios,
  ...gapSafetyScenarios,
  ...committingScenarios,
  ...progressScenarios,
  ...inboxScenarios,
  ...consumerScenarios,
  ...parkingScenarios,
  ...parkedFilterScenarios,
  ...requestScenarios,
  ...fencingScenarios,
  ...leasingScenarios,
  ...timingScenarios,
])
