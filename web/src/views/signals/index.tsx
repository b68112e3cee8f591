import type { ViewProps } from '../../views'
import { SignalList } from './list'
import { SignalPage } from './page'
import './signals.css'
import './signal.css'

/** Signals is the triage queue, and a signal by itself. */
export default function Signals({ rest }: ViewProps) {
  return rest[0] === undefined ? <SignalList /> : <SignalPage id={rest[0]} />
}
