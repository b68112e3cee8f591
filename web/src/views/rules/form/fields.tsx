import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import { oneLine } from '../../../state/text'
import { useForm } from './context'
import { textAt, textsAt, valueAt } from './place'

interface FieldProps {
  label: string
  /** The place of the rule that it says. */
  at: string
  /** What it means, or what holds when nothing is said. */
  note?: ComponentChildren
}

/** Row is a label, what is typed there, what it means, and what is wrong with it. */
export function Row({ label, at, note, whole = true, children }: FieldProps & { whole?: boolean; children: (id: string, more: { 'aria-invalid': boolean; 'aria-describedby': string | undefined; 'data-at': string }) => ComponentChildren }) {
  const id = useId()
  const { faultsAt, warningsAt } = useForm()
  const [faults, warnings] = [faultsAt(at, whole), warningsAt(at, whole)]
  const said = faults.length + warnings.length > 0
  return (
    <div class="rule-field">
      <label class="mut" for={id}>{label}</label>
      <div>
        {children(id, { 'aria-invalid': faults.length > 0, 'aria-describedby': said ? id + '-said' : undefined, 'data-at': at })}
        {said && <Remarks id={id + '-said'} faults={faults.map((f) => f.message)} warnings={warnings.map((w) => w.message)} />}
        {note !== undefined && <p class="mut small rule-note">{note}</p>}
      </div>
    </div>
  )
}

/** Remarks are what the engine says, in its words. */
export function Remarks({ id, faults, warnings }: { id?: string; faults: string[]; warnings: string[] }) {
  if (faults.length + warnings.length === 0) return null
  return (
    <div id={id} class="small rule-remarks">
      {faults.map((f, i) => <p key={i} class="critical" role="alert">{oneLine(f)}</p>)}
      {warnings.map((w, i) => <p key={'w' + i} class="medium">{oneLine(w)}</p>)}
    </div>
  )
}

/** Said is what the engine says of a place that has no field. */
export function Said({ at, whole = false }: { at: string; whole?: boolean }) {
  const { faultsAt, warningsAt } = useForm()
  const [faults, warnings] = [faultsAt(at, whole), warningsAt(at, whole)]
  return faults.length + warnings.length === 0 ? null : <Remarks faults={faults.map((f) => f.message)} warnings={warnings.map((w) => w.message)} />
}

/** TextField is a line of text. Emptied, a text that need not be said is taken out. */
export function TextField({ mono, optional, placeholder, ...row }: FieldProps & { mono?: boolean; optional?: boolean; placeholder?: string }) {
  const { rule, set } = useForm()
  return (
    <Row {...row}>
      {(id, more) => <input id={id} {...more} class={'field' + (mono ? ' mono' : '')} value={textAt(rule, row.at)} placeholder={placeholder} spellcheck={!mono} onInput={(e) => set(row.at, optional && e.currentTarget.value === '' ? undefined : e.currentTarget.value)} />}
    </Row>
  )
}

export function AreaField({ mono, optional, rows = 4, ...row }: FieldProps & { mono?: boolean; optional?: boolean; rows?: number }) {
  const { rule, set } = useForm()
  return <Row {...row}>{(id, more) => <textarea id={id} {...more} class={'field' + (mono ? ' mono' : '')} rows={rows} value={textAt(rule, row.at)} onInput={(e) => set(row.at, optional && e.currentTarget.value === '' ? undefined : e.currentTarget.value)} />}</Row>
}

export interface Option {
  value: string
  text: string
}
export const optionsOf = (values: readonly string[]): Option[] => values.map((value) => ({ value, text: value.replaceAll('_', ' ') }))

/** ChoiceField is one of some words. A word of the rule that is none of them stays to be chosen. */
export function ChoiceField({ of, usual, ...row }: FieldProps & { of: Option[]; usual?: string }) {
  const { rule, set } = useForm()
  const value = textAt(rule, row.at)
  return <Row {...row}>{(id, more) => <Choice id={id} more={more} value={value} of={of} usual={usual} set={(v) => set(row.at, v === '' ? undefined : v)} />}</Row>
}

interface ChoiceProps {
  id?: string
  more?: Record<string, unknown>
  value: string
  of: Option[]
  /** What holds where nothing is said; absent: something must be. */
  usual?: string | undefined
  set: (v: string) => void
  class?: string
}

export function Choice({ id, more = {}, value, of, usual, set, class: look = '' }: ChoiceProps) {
  const known = of.some((o) => o.value === value) || value === ''
  return (
    <select id={id} {...more} class={'field ' + look} value={value} onChange={(e) => set(e.currentTarget.value)}>
      {(usual !== undefined || value === '') && <option value="">{usual === undefined ? 'choose' : `not said: ${usual}`}</option>}
      {of.map((o) => <option key={o.value} value={o.value}>{oneLine(o.text, 120)}</option>)}
      {!known && <option value={value}>{oneLine(value, 120)}</option>}
    </select>
  )
}

/** NumberField is a whole number with its unit and its limits. Emptied, it is not said. */
export function NumberField({ unit, least, most, usual, ...row }: FieldProps & { unit: string; least: number; most?: number; usual?: number | undefined }) {
  const { rule, set } = useForm()
  const value = valueAt(rule, row.at)
  const limits = most === undefined ? `from ${least}` : `${least} to ${most.toLocaleString('en-US')}`
  return (
    <Row {...row} note={<>{limits}{usual !== undefined && `; not said: ${usual.toLocaleString('en-US')}`}{row.note !== undefined && <>. {row.note}</>}</>}>
      {(id, more) => (
        <span class="rule-number">
          <input
            id={id} {...more} class="field mono" type="number" inputMode="numeric" min={least} max={most} value={typeof value === 'number' ? value : ''} placeholder={usual === undefined ? '' : String(usual)}
            onInput={(e) => set(row.at, e.currentTarget.value === '' ? undefined : Number(e.currentTarget.value))}
          />
          <span class="mut">{unit}</span>
        </span>
      )}
    </Row>
  )
}

/** spanText is a duration as people say it. */
export const spanText = (ms: number): string => (ms < 3_600_000 ? `${ms / 60_000} min` : ms < 86_400_000 ? `${ms / 3_600_000} h` : ms === 86_400_000 ? '1 day' : `${ms / 86_400_000} days`)

/** SpanField is a duration of those that the engine takes, kept in seconds, or in hours. */
export function SpanField({ of, usual, zero = 'one event', each = 1000, ...row }: FieldProps & { of: readonly number[]; usual?: string; zero?: string; each?: number }) {
  const { rule, set } = useForm()
  const value = valueAt(rule, row.at)
  const text = typeof value === 'number' ? String(value) : ''
  return (
    <Row {...row}>
      {(id, more) => (
        <Choice
          id={id} more={more} value={text} of={of.map((n) => ({ value: String(n), text: n === 0 ? zero : spanText(n * each) }))} {...(usual === undefined ? {} : { usual })}
          set={(v) => set(row.at, v === '' ? undefined : Number(v))}
        />
      )}
    </Row>
  )
}

/** YesField is a box that is ticked or not. */
export function YesField({ label, at, note }: FieldProps) {
  const { rule, set } = useForm()
  const id = useId()
  return (
    <div class="rule-field">
      <span />
      <div>
        <label class="rule-yes" for={id}>
          <input id={id} type="checkbox" data-at={at} checked={valueAt(rule, at) === true} onChange={(e) => set(at, e.currentTarget.checked)} /> {label}
        </label>
        <Said at={at} />
        {note !== undefined && <p class="mut small rule-note">{note}</p>}
      </div>
    </div>
  )
}

/** ValuesField is a list of texts, each as it is: none is cut at blanks or commas. */
export function ValuesField({ offers, placeholder, optional, ...row }: FieldProps & { offers?: string[]; placeholder?: string; optional?: boolean }) {
  const { rule, set } = useForm()
  const values = textsAt(rule, row.at)
  return <Row {...row}>{(id, more) => <Values id={id} more={more} name={row.label} values={values} offers={offers ?? []} placeholder={placeholder ?? ''} set={(v) => set(row.at, optional && v.length === 0 ? undefined : v)} />}</Row>
}

interface ValuesProps {
  id?: string
  more?: Record<string, unknown>
  name: string
  values: string[]
  offers: string[]
  placeholder: string
  set: (values: string[]) => void
}

export function Values({ id, more = {}, name, values, offers, placeholder, set }: ValuesProps) {
  const [text, setText] = useState('')
  const list = useId()
  const add = () => {
    const v = text.trim()
    setText('')
    if (v !== '' && !values.includes(v)) set([...values, v])
  }
  return (
    <div class="rule-values">
      {values.map((v, i) => (
        <span key={i} class="rule-value">
          <code class="cut" title={oneLine(v, 1000)}>{oneLine(v, 120)}</code>
          <button type="button" aria-label={`Remove ${oneLine(v, 80)} of ${name}`} onClick={() => set(values.filter((_, k) => k !== i))}>×</button>
        </span>
      ))}
      <input
        type="text" id={id} {...more} class="mono" value={text} spellcheck={false} autocomplete="off" placeholder={values.length === 0 ? placeholder : 'add'} list={list}
        onInput={(e) => setText(e.currentTarget.value)} onBlur={add}
        onKeyDown={(e) => {
          if (e.key === 'Enter') (e.preventDefault(), add())
          else if (e.key === 'Backspace' && text === '' && values.length > 0) set(values.slice(0, -1))
        }}
      />
      <datalist id={list}>{offers.map((o) => <option key={o} value={o} />)}</datalist>
    </div>
  )
}
