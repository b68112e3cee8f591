import type { ComponentChildren } from 'preact'
import { Snippet } from './keep'

/** Once shows a secret for the only time, until somebody says that they have it. */
export function Once({ of, name, onHave, children }: { of: string; name: string; onHave: () => void; children: ComponentChildren }) {
  return (
    <div class="keep-secret" role="status">
      <p>{children} This is the only time that it is shown:</p>
      <Snippet text={of} name={`Copy the ${name}`} />
      <p class="keep-actions"><button class="button" onClick={onHave}>I have it</button></p>
    </div>
  )
}
