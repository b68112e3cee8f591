import { useState } from 'preact/hooks'

interface TypedInputProps {
  id: string
  class: string
  placeholder?: string
  disabled?: boolean
  required?: boolean
  spellcheck?: boolean
  title?: string
  'aria-describedby'?: string
  value: string
  /** take is given the text when the field is left. */
  take: (text: string) => void
}

/** TypedInput keeps what is typed, whatever is drawn meanwhile, until the field is left; then it shows what was made of it. */
export function TypedInput({ value, take, ...rest }: TypedInputProps) {
  const [typing, setTyping] = useState<string | undefined>()
  return <input {...rest} value={typing ?? value} onInput={(e) => setTyping(e.currentTarget.value)} onChange={(e) => (take(e.currentTarget.value), setTyping(undefined))} />
}
