import { call } from './client'

/** DemoState is how far the loading of the demo data is. */
export interface DemoState {
  running: boolean
  loaded: boolean
  sent: number
  total: number
}

export async function demoState(signal?: AbortSignal): Promise<DemoState> {
  const d = await call<Partial<DemoState>>('/api/nightjar/v1/demo', signal ? { signal } : {})
  return { running: d.running ?? false, loaded: d.loaded ?? false, sent: d.sent ?? 0, total: d.total ?? 0 }
}

export const startDemo = (): Promise<unknown> => call('/api/nightjar/v1/demo', { body: {} })
