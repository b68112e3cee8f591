import { Row } from './fields'
import { useForm } from './context'
import { textAt } from './place'

/** SearchField is a search over events, in as many lines as it takes. */
export function SearchField({ label, at, optional }: { label: string; at: string; optional?: boolean }) {
  const { rule, set } = useForm()
  return (
    <Row label={label} at={at}>
      {(id, more) => <textarea id={id} {...more} class="field mono" rows={3} spellcheck={false} value={textAt(rule, at)} onInput={(e) => set(at, optional && e.currentTarget.value === '' ? undefined : e.currentTarget.value)} />}
    </Row>
  )
}
