import { searchEvents } from './events'
import { readStatus, type Status } from './status'

/** What the engine writes itself: a refused request is there before anybody has connected a source. */
const fromOutside = '-source:nightjar -source:nightjar-audit'
/** Where so many were received, some are from outside. */
const some = 10_000

/** readArrived is the status, and whether any event ever came from outside. */
export async function readArrived(signal: AbortSignal): Promise<Status & { arrived: boolean }> {
  const status = await readStatus(signal)
  if (status.eventsReceived === 0 || status.eventsReceived >= some) return { ...status, arrived: status.eventsReceived > 0 }
  const { events } = await searchEvents(fromOutside, '0', '', undefined, 1, signal) // of all time: without a beginning it is the last 15 minutes
  return { ...status, arrived: events.length > 0 }
}
