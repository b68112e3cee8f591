import { useState } from 'preact/hooks'
import { APIError } from '../../api/client'
import { providerAddress, signInWithKey, signInWithPassword, type Caller, type Ways } from '../../api/session'
import { entered } from '../../state/session'
import { shown } from '../../state/text'
import { duration } from '../../state/time'
import './sign-in.css'

/** SignIn lets somebody in: by name and password, by the provider, or with a key. */
export function SignIn({ ways, ended }: { ways: Ways; ended: boolean }) {
  const [refused] = useState(takeRefusal)
  const [way, setWay] = useState<'password' | 'key'>(ways.password ? 'password' : 'key')
  return (
    <main class="sign-in">
      <p class="brand">
        <svg width="22" height="12" viewBox="0 0 18 10" aria-hidden="true"><path fill="currentColor" d="M0 2.600C3-.5 6.200-.3 9 3.800 11.800-.3 15-.5 18 2.600c-3.100-.3-5 .9-6.600 4.100L9 9.400 6.600 6.700C5 3.500 3.100 2.300 0 2.600z" /></svg>
        nightjar
      </p>
      <h1>Sign in</h1>
      {ended && <p class="mut">Your session has ended. What you had open is still in the address.</p>}
      {refused !== '' && <p role="alert" class="critical">You were not let in: {shown(refused)}.</p>}
      {ways.provider && <p><a class="button main" data-leave href={providerAddress(location.pathname + location.search)}>Sign in with your organisation</a></p>}
      {way === 'password' ? <PasswordForm /> : <KeyForm />}
      <p class="small">
        {way === 'password'
          ? <button class="link" onClick={() => setWay('key')}>Use a key</button>
          : <button class="link" onClick={() => setWay('password')}>Use a name and a password</button>}
      </p>
    </main>
  )
}

/** useAttempt runs a way of signing in, and keeps what went wrong. */
function useAttempt(attempt: () => Promise<Caller>) {
  const [trying, setTrying] = useState(false)
  const [wrong, setWrong] = useState('')
  const submit = (e: Event) => {
    e.preventDefault()
    setTrying(true)
    setWrong('')
    attempt().then(entered, (error: Error) => {
      setTrying(false)
      setWrong(wordsOf(error))
    })
  }
  return { trying, wrong, submit }
}

function wordsOf(error: Error): string {
  if (!(error instanceof APIError)) return error.message
  if (error.status === 429) return `Too many attempts. Try again${error.retryAfter === undefined ? ' later' : ` in ${duration(error.retryAfter * 1000)}`}.`
  return error.status === 401 || error.status === 403 ? 'It is not valid here.' : error.message
}

/** takeRefusal is why the engine let nobody in who came back from the provider, told once. */
function takeRefusal(): string {
  const found = /(?:^|; )nightjar-refused=([^;]*)/.exec(document.cookie)?.[1]
  if (!found) return ''
  document.cookie = 'nightjar-refused=; Path=/; Max-Age=0; SameSite=Strict'
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(found.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0)))
  } catch {
    return 'the engine’s log says why'
  }
}

function PasswordForm() {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const { trying, wrong, submit } = useAttempt(() => signInWithPassword(name, password))
  return (
    <form onSubmit={submit}>
      <label for="name">Name</label>
      <input id="name" class="field" autocomplete="username" required value={name} onInput={(e) => setName(e.currentTarget.value)} />
      <label for="password">Password</label>
      <input id="password" class="field" type="password" autocomplete="current-password" required value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
      <p role="alert" class="critical">{wrong}</p>
      <button class="button main" disabled={trying}>Sign in</button>
    </form>
  )
}

function KeyForm() {
  const [key, setKey] = useState('')
  const [keep, setKeep] = useState(false)
  const { trying, wrong, submit } = useAttempt(() => signInWithKey(key.trim(), keep))
  return (
    <form onSubmit={submit}>
      <label for="key">Key</label>
      <input id="key" class="field mono" type="password" autocomplete="off" required value={key} onInput={(e) => setKey(e.currentTarget.value)} />
      <p class="small mut">The first start wrote one to <code>api-key</code> in the data folder.</p>
      <label class="check"><input type="checkbox" checked={keep} onChange={(e) => setKeep(e.currentTarget.checked)} /> Keep it in this browser</label>
      <p role="alert" class="critical">{wrong}</p>
      <button class="button main" disabled={trying}>Sign in</button>
    </form>
  )
}
