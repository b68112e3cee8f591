// How the page asks the public API: as the person who signed in (a cookie that no script
// sees), or with a key that was typed.

/** APIError is an answer that is not one: what the engine said, and where it meant it. */
export class APIError extends Error {
  readonly status: number
  readonly requestID: string
  /** The part of the request that it is about, such as filter.query. */
  readonly target: string | undefined
  /** Where in that text, from 1; undefined: all of it. */
  readonly place: { line: number; column: number } | undefined
  /** All that is wrong, where that is several things, each with its part of the request. */
  readonly details: { message: string; target: string }[]
  /** Seconds after which it may be asked again; undefined: not said. */
  retryAfter: number | undefined

  constructor(status: number, requestID: string, message: string, target?: string, details: { message: string; target: string }[] = []) {
    const at = /^(\d+):(\d+): /.exec(message)
    super(at ? message.slice(at[0].length) : message)
    this.status = status
    this.requestID = requestID
    this.target = target
    this.details = details
    this.retryAfter = undefined
    this.place = at ? { line: Number(at[1]), column: Number(at[2]) } : undefined
  }
}

const keyPlace = 'nightjar.key'

/** heldKey is the key that was typed, if one was. */
export const heldKey = (): string | null => sessionStorage.getItem(keyPlace) ?? localStorage.getItem(keyPlace)

export function holdKey(key: string, until: 'the tab closes' | 'sign-out'): void {
  dropKey()
  ;(until === 'sign-out' ? localStorage : sessionStorage).setItem(keyPlace, key)
}

export function dropKey(): void {
  sessionStorage.removeItem(keyPlace)
  localStorage.removeItem(keyPlace)
}

/** whenRefused is called when the engine may no longer know who asks: a key that it does not know is forbidden. */
let whenRefused: () => void = () => undefined
export function onRefused(call: () => void): void {
  whenRefused = call
}

/** asked are the names of calls that are not answered yet, by which the engine knows how far they are, by what ends them. */
const asked = new WeakMap<AbortSignal, Set<string>>()

/** askedOf are those that one signal ends. */
export const askedOf = (signal: AbortSignal): readonly string[] => [...(asked.get(signal) ?? [])]

export interface Request {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  signal?: AbortSignal
  /** Instead of the one that is held. */
  key?: string
}

/** What was asked ahead, by path and body: it is used once, within ten seconds, and not after a change. */
const ahead = new Map<string, Ahead>()
const aheadFor = 10_000

interface Ahead {
  answer: Promise<unknown>
  at: number
  stop: AbortController
  /** The engine knows by it how far it is. */
  name: string
}

let changedAt = 0
/** lastChange is when something was changed from here, in milliseconds since 1970; 0: never. */
export const lastChange = (): number => changedAt

const aheadKey = (path: string, body: unknown): string => (body === undefined ? path : path + ' ' + JSON.stringify(body))

/** askAhead asks for what will be asked for next, unless it was asked ahead already; what it gives ends it, if nobody took it. */
export function askAhead(path: string, body?: unknown): () => void {
  for (const [key, { at }] of ahead) if (Date.now() - at >= aheadFor) ahead.delete(key)
  const key = aheadKey(path, body)
  const known = ahead.get(key)
  if (known) return () => drop(key, known) && known.stop.abort()
  const [stop, name] = [new AbortController(), newName()]
  const held = { answer: ask<unknown>(path, { ...(body === undefined ? {} : { body }), signal: stop.signal }, name), at: Date.now(), stop, name }
  ahead.set(key, held)
  held.answer.catch(() => drop(key, held)) // it is told when it is asked for
  return () => drop(key, held) && stop.abort()
}

/** drop takes out what was asked ahead, and reports whether nobody took it. */
const drop = (key: string, held: Ahead): boolean => ahead.get(key) === held && ahead.delete(key)

/** call asks the API, and gives what it answered; undefined where that is nothing. */
export async function call<T>(path: string, request: Request = {}): Promise<T> {
  const isRead = (request.method ?? 'GET') === 'GET' && request.body === undefined
  if (!isRead && (request.method !== undefined || path.includes('/triage/'))) {
    ahead.clear()
    changedAt = Date.now()
  }
  const key = aheadKey(path, request.body)
  const known = request.method === undefined && request.query === undefined && request.key === undefined ? ahead.get(key) : undefined
  if (!known || Date.now() - known.at >= aheadFor) return ask(path, request)
  ahead.delete(key)
  const { stop } = known
  if (request.signal?.aborted) stop.abort()
  request.signal?.addEventListener('abort', () => stop.abort(), { once: true })
  return named(known.name, request.signal, () => known.answer as Promise<T>)
}

async function ask<T>(path: string, request: Request, name = request.signal ? newName() : ''): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  const key = request.key ?? heldKey()
  if (key) headers['DD-API-KEY'] = key
  if (request.body !== undefined) headers['Content-Type'] = 'application/json'
  if (name !== '') headers['X-Nightjar-Search'] = name
  const [answer, text] = await named(name, request.signal, async () => {
    const answer = await send(path + searchOf(request.query), {
      method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
      headers,
      credentials: 'same-origin',
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(request.signal ? { signal: request.signal } : {}),
    })
    return [answer, await answer.text()] as const
  })
  if (!answer.ok) {
    if ((answer.status === 401 || answer.status === 403) && request.key === undefined) whenRefused()
    throw errorOf(answer, text)
  }
  return (text === '' ? undefined : JSON.parse(text)) as T
}

/** newName names a search: nobody else has it. */
const newName = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('')

/** named keeps a name among those that are asked for, while something runs. */
async function named<T>(name: string, signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
  if (signal === undefined) return run()
  const names = asked.get(signal) ?? new Set()
  asked.set(signal, names.add(name))
  try {
    return await run()
  } finally {
    names.delete(name)
  }
}

/** UnreachableError says that the engine did not answer at all. */
export class UnreachableError extends Error {}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init)
  } catch (e) {
    if (init.signal?.aborted) throw e
    throw new UnreachableError('The engine does not answer.')
  }
}

function searchOf(query: Request['query']): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) search.append(name, String(value))
  const text = search.toString()
  return text === '' ? '' : '?' + text
}

interface ErrorBody {
  errors?: (string | { title?: string; detail?: string })[]
  error?: { message?: string; details?: { message?: string; target?: string }[] }
}

function errorOf(answer: Response, text: string): APIError {
  const id = answer.headers.get('X-Request-Id') ?? ''
  let body: ErrorBody = {}
  try {
    body = JSON.parse(text) as ErrorBody
  } catch {
    // something in between answered
  }
  const detail = body.error?.details?.find((d) => d.message)
  const said = (body.errors ?? []).map((e) => (typeof e === 'string' ? e : (e.detail ?? e.title ?? ''))).filter((e) => e !== '')
  const message = detail?.message ?? said.at(-1) ?? body.error?.message ?? `The engine answered ${answer.status}.`
  const details = (body.error?.details ?? []).flatMap((d) => (d.message ? [{ message: d.message, target: d.target ?? '' }] : []))
  const error = new APIError(answer.status, id, message, detail?.target, details)
  error.retryAfter = Number(answer.headers.get('Retry-After')) || undefined
  return error
}
