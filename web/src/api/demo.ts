import { call } from './client'

/** Demo is a generated day: what its events and signals are found by, and how many events it has. */
export interface Demo {
  /** none, shown or removed */
  state: string
  events: number
  query: string
}

interface Body {
  state?: string
  events?: number
  query?: string
}

const api = '/api/nightjar/v1/demo'
const demoOf = (b: Body): Demo => ({ state: b.state ?? 'none', events: b.events ?? 0, query: b.query ?? '' })

export const createDemo = async (): Promise<Demo> => demoOf(await call<Body>(api, { body: {} }))
