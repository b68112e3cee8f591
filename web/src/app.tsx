import { useEffect, useState } from 'preact/hooks'
import type { ComponentType } from 'preact'
import { go, useAddress } from './state/address'
import { findSession, useSession } from './state/session'
import { views, type View, type ViewProps } from './views'
import { Frame } from './parts/frame'
import { SignIn } from './views/sign-in'
import { Problem } from './parts/problem'

/** App is the page: sign-in, or the frame with the view that the address names. */
export function App() {
  const session = useSession()
  const { parts } = useAddress()
  useEffect(() => {
    if (parts.length === 0) go('/signals' + location.search, 'replace')
  }, [parts])
  switch (session.state) {
    case 'asking':
      return null
    case 'unreachable':
      return (
        <main class="alone">
          <Problem error={new Error('The engine does not answer.')} again={() => void findSession()} />
        </main>
      )
    case 'out':
      return <SignIn ways={session.ways} ended={session.ended} />
    case 'in':
      return (
        <Frame>
          <Shown name={parts[0] ?? 'signals'} rest={parts.slice(1)} />
        </Frame>
      )
  }
}

const loaded = new Map<string, ComponentType<ViewProps>>()

function Shown({ name, rest }: { name: string; rest: string[] }) {
  const view = views.find((v) => v.name === name)
  const [, redraw] = useState({})
  const [error, setError] = useState<Error>()
  const Content = loaded.get(name)
  useEffect(() => {
    setError(undefined)
    if (view && !Content) load(view).then(() => redraw({}), setError)
    if (view) document.title = `${view.title} · nightjar`
  }, [view])
  if (!view) return <NotThere name={name} />
  if (error) return <Problem error={new Error(`${view.title} could not be loaded.`)} again={() => location.reload()} />
  return Content ? <Content rest={rest} /> : null
}

async function load(view: View): Promise<void> {
  loaded.set(view.name, (await view.load()).default)
}

/** loadFirst begins to load the view that the address names, while the engine is asked who this is. */
export function loadFirst(): void {
  const view = views.find((v) => v.name === (location.pathname.split('/')[1] || 'signals'))
  if (view) load(view).catch(() => undefined) // it is told when it is shown
}

function NotThere({ name }: { name: string }) {
  return (
    <main class="alone">
      <h1>There is no page “{name}”</h1>
      <p>
        <a class="link" href="/signals">Go to the signals</a>
      </p>
    </main>
  )
}
