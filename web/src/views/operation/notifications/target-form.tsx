import { useState } from 'preact/hooks'
import { saveTarget, type Target } from '../../../api/notifications'
import { FormChecks, FormFaults, FormRow, faultsOf, type Fault } from '../../../parts/form-row'
import { useMay } from '../../../state/session'
import { Trial } from './trial'
import { kindOf, textOf, told, withText, type Field } from './kinds'

const sentAs = (f: Field): string => (f.name === 'issueType' ? 'issue_type' : f.name)

/** TargetForm is what a target of this type has to be told. Secrets are written, and never shown. */
export function TargetForm({ target, onSaved, close }: { target: Target; onSaved: (t: Target) => void; close: () => void }) {
  const kind = kindOf(target.type)
  const fields = kind?.fields ?? []
  const [name, setName] = useState(target.name)
  const [on, setOn] = useState(target.on)
  const [texts, setTexts] = useState<Record<string, string>>(() => Object.fromEntries(fields.map((f) => [f.name, textOf(target, f)])))
  const [faults, setFaults] = useState<Fault[]>([])
  const [saving, setSaving] = useState(false)
  const lacks = useMay('notify')
  const isNew = target.id === ''
  const typed = (): Target => fields.reduce((t, f) => withText(t, f, texts[f.name] ?? ''), { ...target, name: name.trim(), on })
  const save = async (e: Event) => {
    e.preventDefault()
    setSaving(true)
    setFaults([])
    try {
      onSaved(await saveTarget(typed()))
    } catch (error) {
      setFaults(faultsOf(error))
    }
    setSaving(false)
  }
  return (
    <form class="form" onSubmit={(e) => void save(e)} aria-label={`Target of type ${kind?.title ?? target.type}`}>
      <FormRow label="Name" at="name" faults={faults} hint={isNew ? <>Letters, digits, - and _. Rules name it <code>@{target.type}-{name || 'NAME'}</code>.</> : <>Rules name it <code>{target.handle}</code>, so it stays.</>}>
        {(id, said) => <input id={id} class="field short" aria-describedby={said} required disabled={!isNew} value={name} onInput={(e) => setName(e.currentTarget.value)} />}
      </FormRow>
      {fields.map((f) => (
        <FormRow key={f.name} label={f.label} at={sentAs(f)} faults={faults} hint={hintOf(f, target)}>
          {(id, said) => <Input id={id} described={said} field={f} kept={f.secret ? keptOf(target, f) : false} value={texts[f.name] ?? ''} set={(v) => setTexts({ ...texts, [f.name]: v })} />}
        </FormRow>
      ))}
      <FormChecks label="Told, too, of" of={told} chosen={on} onChange={setOn} hint="Openings are always told; so is an end, to who was told of the opening." />
      <Trial of={typed()} onFaults={setFaults} />
      <FormFaults faults={faults} rows={['name', ...fields.map(sentAs)]} />
      <div class="form-end">
        <button class="button main" disabled={saving || lacks !== ''} title={lacks}>{isNew ? 'Make the target' : 'Save'}</button>
        <button type="button" class="button quiet" onClick={close}>Leave it</button>
        {lacks !== '' && <span class="mut small">{lacks}</span>}
      </div>
    </form>
  )
}

const keptOf = (t: Target, f: Field): boolean => t.id !== '' && (f.name === 'url' ? t.url !== '' : t.secret !== '')
const hintOf = (f: Field, t: Target): string => [f.hint, f.optional && !f.hint.startsWith('Left out') && !f.hint.startsWith('If') ? 'May be left out.' : '', f.secret && !keptOf(t, f) ? 'It is written here once, and shown nowhere.' : ''].filter((s) => s !== '').join(' ')

function Input({ id, described, field: f, kept, value, set }: { id: string; described: string; field: Field; kept: boolean; value: string; set: (v: string) => void }) {
  if (f.name === 'tls') {
    return <select id={id} class="field short" value={value || 'starttls'} onChange={(e) => set(e.currentTarget.value)}><option value="starttls">STARTTLS</option><option value="tls">TLS from the start</option><option value="none">none</option></select>
  }
  if (f.name === 'headers' || f.name === 'template') {
    return <textarea id={id} class="field mono" rows={f.name === 'template' ? 6 : 2} spellcheck={false} aria-describedby={described} value={value} onInput={(e) => set(e.currentTarget.value)} />
  }
  const more = {
    id, class: 'field', spellcheck: false, 'aria-describedby': described, required: !f.optional && !kept, value,
    placeholder: kept ? 'kept; type another one to replace it' : '', onInput: (e: { currentTarget: HTMLInputElement }) => set(e.currentTarget.value),
  }
  return f.secret ? <input type="password" autocomplete="new-password" {...more} /> : <input type="text" autocomplete="off" {...more} />
}
