import type { ViewProps } from '../../views'
import { SignalList } from './list'
import './signals.css'

/** Signals is the triage queue, and a signal by itself. */
export default function Signals({ rest }: ViewProps) {
  void rest
  return <SignalList />
}
