import { useState } from 'preact/hooks'
import type { ViewProps } from '../../views'
import { FirstStart } from './first-start'
import { SignalList } from './list'
import { SignalPage } from './page'
import '../../parts/list.css'
import '../../parts/story.css'
import './signals.css'
import './signal.css'

/** Signals is the triage queue, and a signal by itself; before anything has arrived, how to begin. */
export default function Signals({ rest }: ViewProps) {
  // How many rules wait, where no event has arrived since the first start.
  const [waiting, setWaiting] = useState<number | undefined>()
  if (rest[0] !== undefined) return <SignalPage id={rest[0]} />
  if (waiting !== undefined) return <FirstStart rules={waiting} onArrived={() => setWaiting(undefined)} />
  return <SignalList onNothing={setWaiting} />
}
