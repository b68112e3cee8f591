import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { tell } from '../state/done'
import { Dialog } from './dialog'

/** Confirm asks before what can't be undone, or not by a press, showing what it touches. The act says what was done. */
export function Confirm({ title, verb, act, close, children, undo, blocked = false }: { title: string; verb: string; act: () => Promise<string>; undo?: () => void; close: () => void; children: ComponentChildren; blocked?: boolean }) {
  const [sending, setSending] = useState(false)
  const send = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    try {
      tell({ text: await act(), ...(undo ? { undo } : {}) })
      close()
    } catch (error) {
      setSending(false)
      tell({ text: `Nothing was changed: ${(error as Error).message}`, failed: true })
    }
  }
  return (
    <Dialog title={title} close={close} class="keep-dialog">
      <form onSubmit={(e) => void send(e)}>
        {children}
        <div class="keep-actions">
          <button class="button danger" disabled={sending || blocked}>{verb}</button>
          <button type="button" class="button quiet" onClick={close}>Leave it</button>
        </div>
      </form>
    </Dialog>
  )
}

