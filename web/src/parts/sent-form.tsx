import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { tell, type Done } from '../state/done'
import { faultsOf, FormFaults, type Fault } from './form-row'

interface SentFormProps {
  /** What it is called; absent where a heading inside says so. */
  name?: string
  class?: string
  /** What the button says that sends it. */
  verb: string
  /** Why it can't be sent yet; empty: it can. Of what has yet to be typed nothing need be said. */
  blocked?: string | boolean
  /** The parts of what is sent that have a row which shows what is wrong with them. */
  rows?: string[]
  /** send does it, and says what was done. */
  send: () => Promise<Done>
  /** It is called when it was done, or left. Absent: it can't be left. */
  close?: () => void
  children: (faults: Fault[]) => ComponentChildren
}

/** SentForm is a form that is sent: it says what is wrong with a part at its place, and tells what was done. */
export function SentForm({ name, class: look = '', verb, blocked = '', rows = [], send, close, children }: SentFormProps) {
  const [faults, setFaults] = useState<Fault[]>([])
  const [sending, setSending] = useState(false)
  const submit = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    setFaults([])
    try {
      tell(await send())
      close?.()
    } catch (error) {
      setFaults(faultsOf(error))
    }
    setSending(false)
  }
  return (
    <form class={'table-form ' + look} aria-label={name} onSubmit={(e) => void submit(e)}>
      {children(faults)}
      <FormFaults faults={faults} rows={rows} />
      <p class="keep-actions">
        <button class="button main" disabled={sending || blocked === true || (typeof blocked === 'string' && blocked !== '')} title={typeof blocked === 'string' ? blocked : ''}>{verb}</button>
        {close && <button type="button" class="button quiet" onClick={close}>Leave it</button>}
        {typeof blocked === 'string' && blocked !== '' && <span class="small mut">It {blocked}.</span>}
      </p>
    </form>
  )
}
