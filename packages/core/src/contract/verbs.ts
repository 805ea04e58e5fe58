// One list for a whole team is the point of it: 'Removed' beside 'Deleted' is a question at every
// reader. It is a start, not a dictionary: `verbs` in the registry's options extends it.
const regular = `
  Abandon Abort Accept Acknowledge Acquire Activate Add Adjust Advance Allocate Amend Analyze Announce
  Apply Appoint Appraise Approve Archive Arrive Assess Assign Attach Audit Authenticate Authorize Await
  Back Bill Block Book Branch Bump Calculate Call Cancel Capture Change Charge Check Claim Classify Clean
  Clear Clone Close Collect Commence Compensate Compile Complete Compute Confirm Connect Consume Convert
  Copy Correct Count Create Credit Deactivate Debit Decide Decline Decrease Deduct Delay Delegate Delete
  Deliver Deny Deploy Deposit Deprecate Detach Detect Deviate Disable Discard Disconnect Discount Dismiss
  Dispatch Display Distribute Downgrade Download Draft Edit Elapse Elect Embed Enable Encrypt End Enqueue
  Enrich Enroll Enter Erase Escalate Establish Estimate Evaluate Exceed Execute Exhaust Expand Expire
  Export Extend Extract Fail Fetch File Fill Filter Finalize Finish Fix Flag Flush Fulfill Generate Grade
  Grant Greet Handle Happen Identify Ignore Import Include Increase Index Inform Initialize Inspect
  Install Invalidate Invite Invoice Invoke Issue Join Label Launch Leak Level License Like Link List Load
  Lock Log Map Mark Match Measure Mention Merge Migrate Modify Monitor Move Mute Name Nominate Note Notify
  Observe Obtain Occur Offer Omit Open Order Overrule Pack Park Pass Pause Permit Persist Pick Place Plan
  Play Populate Post Postpone Predict Prepare Present Prioritize Process Produce Promote Propose Provision
  Publish Purchase Purge Push Qualify Query Queue Raise Rank Rate Reach Reactivate Reassign Receive
  Recommend Reconcile Record Recover Redeem Redirect Redrive Reduce Refactor Refer Refresh Refund Refuse
  Register Reject Release Remind Remove Rename Render Renew Reopen Reorder Repair Repeat Replace Replay
  Report Request Require Reschedule Reserve Resign Resize Resolve Respond Restart Restock Restore Restrict
  Resume Retire Retract Retrieve Retry Return Reveal Reverse Revert Review Revise Revoke Roll Rotate Route
  Sample Save Scan Schedule Score Seal Search Secure Select Separate Settle Share Ship Shorten Show Sign
  Simulate Skip Snooze Sort Stage Start Stop Store Subscribe Succeed Suggest Summarize Supersede Supply
  Suspend Switch Sync Synchronize Tag Terminate Test Throttle Tidy Top Touch Track Train Transcribe
  Transfer Transform Transition Translate Transmit Trigger Trim Truncate Trust Turn Unarchive Unassign
  Unblock Uncomplete Unlink Unlist Unlock Unmark Unpublish Unregister Unsubscribe Update Upgrade Upload
  Use Validate Verify Vote Waive Warn Watch Withhold Yield
`

const irregular = {
  Become: 'Became',
  Begin: 'Began',
  Bid: 'Bid',
  Break: 'Broke',
  Bring: 'Brought',
  Broadcast: 'Broadcast',
  Build: 'Built',
  Buy: 'Bought',
  Cancel: 'Cancelled',
  Cast: 'Cast',
  Catch: 'Caught',
  Choose: 'Chosen',
  Commit: 'Committed',
  Control: 'Controlled',
  Cut: 'Cut',
  Defer: 'Deferred',
  Do: 'Done',
  Draw: 'Drawn',
  Drop: 'Dropped',
  Embed: 'Embedded',
  Enroll: 'Enrolled',
  Equip: 'Equipped',
  Fall: 'Fallen',
  Find: 'Found',
  Flag: 'Flagged',
  Forget: 'Forgotten',
  Freeze: 'Frozen',
  Get: 'Gotten',
  Give: 'Given',
  Go: 'Went',
  Grow: 'Grown',
  Hide: 'Hidden',
  Hit: 'Hit',
  Hold: 'Held',
  Keep: 'Kept',
  Lay: 'Laid',
  Lead: 'Led',
  Leave: 'Left',
  Log: 'Logged',
  Lose: 'Lost',
  Make: 'Made',
  Map: 'Mapped',
  Meet: 'Met',
  Occur: 'Occurred',
  Omit: 'Omitted',
  Overdraw: 'Overdrawn',
  Override: 'Overridden',
  Pay: 'Paid',
  Permit: 'Permitted',
  Plan: 'Planned',
  Pop: 'Popped',
  Prefer: 'Preferred',
  Put: 'Put',
  Quit: 'Quit',
  Read: 'Read',
  Rebuild: 'Rebuilt',
  Refer: 'Referred',
  Repay: 'Repaid',
  Resend: 'Resent',
  Reset: 'Reset',
  Rewrite: 'Rewritten',
  Rise: 'Risen',
  Run: 'Ran',
  Scan: 'Scanned',
  See: 'Seen',
  Sell: 'Sold',
  Send: 'Sent',
  Set: 'Set',
  Ship: 'Shipped',
  Shut: 'Shut',
  Skip: 'Skipped',
  Spend: 'Spent',
  Split: 'Split',
  Step: 'Stepped',
  Stop: 'Stopped',
  Submit: 'Submitted',
  Swap: 'Swapped',
  Tag: 'Tagged',
  Take: 'Taken',
  Tell: 'Told',
  Top: 'Topped',
  Transfer: 'Transferred',
  Transmit: 'Transmitted',
  Trim: 'Trimmed',
  Undo: 'Undone',
  Win: 'Won',
  Withdraw: 'Withdrawn',
  Withhold: 'Withheld',
  Write: 'Written',
}

/** Second spellings and forms, which are read as well. */
const alternatives = {
  Canceled: 'Cancel',
  Labelled: 'Label',
  Levelled: 'Level',
  Gone: 'Go',
  Got: 'Get',
}

/** The verbs that names may use, both ways round. */
export interface Vocabulary {
  /** Imperative → past tense. */
  readonly pastOf: ReadonlyMap<string, string>
  /** Past tense → imperative; '' where a team added the past tense alone. */
  readonly imperativeOf: ReadonlyMap<string, string>
}

const standard = buildVocabulary([
  ...regular
    .split(/\s+/)
    .flatMap((verb) => (verb === '' ? [] : [[verb, regularPast(verb)] as const])),
  ...Object.entries(irregular),
])

function buildVocabulary(pairs: readonly (readonly [string, string])[]): Vocabulary {
  const pastOf = new Map(pairs)
  const imperativeOf = new Map(Array.from(pastOf, ([imperative, past]) => [past, imperative]))
  return { pastOf, imperativeOf: new Map([...imperativeOf, ...Object.entries(alternatives)]) }
}

function regularPast(verb: string): string {
  if (verb.endsWith('e')) return `${verb}d`
  return /[^aeiou]y$/.test(verb) ? `${verb.slice(0, -1)}ied` : `${verb}ed`
}

/** Verbs in the past tense that a team adds to the vocabulary: `['Nudged']`. */
export type Verbs = readonly string[]

/** The vocabulary, with a team's own verbs in the past tense. */
export function vocabularyWith(verbs: Verbs | undefined): Vocabulary {
  if (verbs === undefined) return standard
  const own = verbs.map((verb) => [verb, ''] as const)
  return { pastOf: standard.pastOf, imperativeOf: new Map([...own, ...standard.imperativeOf]) }
}

/** Verbs that say something only with the word behind them: `BecameOverdue`, `WentOffline`. */
export const linkingVerbs: ReadonlySet<string> = new Set(['Became', 'Went'])

/** Small words that belong to the verb before them: `LoggedIn`, `SignedUp`, `TurnedOff`. */
export const particles: ReadonlySet<string> = new Set(
  'Away Back Behind Down In Off On Out Over Through Up'.split(' '),
)
