import { count } from '../../state/text'

/** bytes is a size as people read it: 512 KiB, 3.4 GiB. */
export function bytes(n: number): string {
  if (n < 1 << 20) return `${count(Math.ceil(n / 1024))} KiB`
  return n < 1 << 30 ? `${count(Math.round(n / 1048576))} MiB` : `${(n / 2 ** 30).toFixed(1)} GiB`
}

/** dayOf is a day or a month of a partition: 2026-11-29, 2026-11. */
export const dayOf = (text: string): string => text.replace(/^(\d{4})(\d\d)(\d\d)?$/, (_, y: string, m: string, d?: string) => [y, m, d].filter((x) => x !== undefined).join('-'))
