import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** Dialog is a box above the page; what is behind it waits. Escape closes it. */
export function Dialog({ title, children, close, class: look = '' }: { title: string; children: ComponentChildren; close: () => void; class?: string }) {
  const box = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const el = box.current
    if (!el) return
    const before = document.activeElement
    el.showModal()
    return () => {
      el.close()
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={box} class={'dialog ' + look} aria-label={title}
      onCancel={(e) => (e.preventDefault(), close())}
      onKeyDown={(e) => {
        e.stopPropagation() // what is behind it waits
        if (e.key !== 'Escape') return
        e.preventDefault()
        close()
      }}
      onClick={(e) => e.target === box.current && close()}
    >
      <div class="dialog-body">
        <h2>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}
