import { useState } from 'preact/hooks'
import type { ViewProps } from '../../views'
import { later, useLater } from '../../state/later'
import { SignalList } from './list'
import '../../parts/list.css'
import '../../parts/story.css'
import './signals.css'
import './signal.css'

const pages = later(() => import('./page'))
const firsts = later(() => import('./first-start'))

/** Signals is the triage queue, and a signal by itself; before anything has arrived, how to begin. */
export default function Signals({ rest }: ViewProps) {
  // How many rules wait, where no event has arrived since the first start.
  const [waiting, setWaiting] = useState<number | undefined>()
  const page = useLater(pages, rest[0] !== undefined)
  const first = useLater(firsts, waiting !== undefined)
  if (rest[0] !== undefined) return page ? <page.SignalPage id={rest[0]} /> : <main class="signal" aria-busy="true" />
  if (waiting !== undefined) return first ? <first.FirstStart rules={waiting} onArrived={() => setWaiting(undefined)} /> : <main aria-busy="true" />
  return <SignalList onNothing={setWaiting} />
}
