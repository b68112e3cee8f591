import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Rule } from '../../../api/rules'
import { isWithin, placeOf, put } from './place'
import type { Fault } from '../use-check'

export interface FormState {
  rule: Rule
  edit: (change: (r: Rule) => void) => void
  faults: Fault[]
  warnings: Fault[]
  /** It is stored, so that some of it can't change. */
  isStored: boolean
}

export const FormContext = createContext<FormState>({ rule: { name: '', message: '', isEnabled: true }, edit: () => undefined, faults: [], warnings: [], isStored: false })

export interface Form extends FormState {
  set: (place: string, value: unknown) => void
  /** What is said of a place and of what has no field of its own in it. */
  faultsAt: (place: string, whole?: boolean) => Fault[]
  warningsAt: (place: string, whole?: boolean) => Fault[]
}

/** useForm is the rule that is edited, by places. */
export function useForm(): Form {
  const form = useContext(FormContext)
  const at = (all: Fault[], place: string, whole: boolean) => all.filter((f) => (whole ? isWithin(placeOf(f.target), place) : placeOf(f.target) === place))
  return {
    ...form,
    set: (place, value) => form.edit((r) => put(r, place, value)),
    faultsAt: (place, whole = true) => at(form.faults, place, whole),
    warningsAt: (place, whole = true) => at(form.warnings, place, whole),
  }
}
