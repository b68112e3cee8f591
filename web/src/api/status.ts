import { call } from './client'

export interface Status {
  version: string
  eventsReceived: number
  caughtUp: boolean
  lagSeconds: number
  rulesEnabled: number
  rulesFailing: number
}

interface StatusBody {
  version: string
  events_received: number
  caught_up: boolean
  lag_seconds: number
  rules?: { enabled?: number; failing?: number }
}

export async function readStatus(signal?: AbortSignal): Promise<Status> {
  const s = await call<StatusBody>('/api/nightjar/v1/status', signal ? { signal } : {})
  return {
    version: s.version,
    eventsReceived: s.events_received,
    caughtUp: s.caught_up,
    lagSeconds: s.lag_seconds,
    rulesEnabled: s.rules?.enabled ?? 0,
    rulesFailing: s.rules?.failing ?? 0,
  }
}
