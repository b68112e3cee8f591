import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { APIError } from '../api/client'
import { oneLine } from '../state/text'
import './form-row.css'

/** Fault is what is wrong with a part of what was sent. */
export interface Fault {
  target: string
  message: string
}

/** faultsOf are what an error says of parts; one that says nothing of any is of the whole. */
export function faultsOf(error: unknown): Fault[] {
  if (error instanceof APIError && error.details.length > 0) return error.details
  return [{ target: '', message: error instanceof Error ? error.message : 'It did not work.' }]
}

const about = (f: Fault, at: string): boolean => at !== '' && (f.target === at || f.target.endsWith('.' + at) || f.target.startsWith(at + '[') || f.target.includes('.' + at + '[') || f.target.startsWith(at + '.'))

interface RowProps {
  label: string
  /** The part of what is sent that it is. */
  at?: string
  faults?: Fault[]
  hint?: ComponentChildren
  children: (id: string, described: string) => ComponentChildren
}

/** FormRow is a field with its name, what may be said of it, and what is wrong with it. */
export function FormRow({ label, at = '', faults = [], hint, children }: RowProps) {
  const id = useId()
  const mine = faults.filter((f) => about(f, at))
  return (
    <div class="form-row">
      <label for={id}>{label}</label>
      <div>
        {children(id, id + '-said')}
        <div id={id + '-said'}>
          {hint !== undefined && <p class="small mut">{hint}</p>}
          {mine.map((f) => <p key={f.message} class="small critical" role="alert">{oneLine(f.message, 500)}</p>)}
        </div>
      </div>
    </div>
  )
}

/** FormFaults are those that no row of the form shows. */
export function FormFaults({ faults, rows }: { faults: Fault[]; rows: string[] }) {
  const rest = faults.filter((f) => !rows.some((at) => about(f, at)))
  return <>{rest.map((f) => <p key={f.message} class="critical" role="alert">{f.target !== '' && <code>{oneLine(f.target, 80)}: </code>}{oneLine(f.message, 500)}</p>)}</>
}

/** FormChecks are several things of which any may be chosen. */
export function FormChecks({ label, of, chosen, onChange, hint }: { label: string; of: readonly (readonly [string, string])[]; chosen: string[]; onChange: (chosen: string[]) => void; hint?: string }) {
  return (
    <fieldset class="form-row">
      <legend>{label}</legend>
      <div>
        <div class="form-checks">
          {of.map(([value, title]) => (
            <label key={value}><input type="checkbox" checked={chosen.includes(value)} onChange={(e) => onChange(e.currentTarget.checked ? [...chosen, value] : chosen.filter((c) => c !== value))} />{title}</label>
          ))}
        </div>
        {hint !== undefined && <p class="small mut">{hint}</p>}
      </div>
    </fieldset>
  )
}
