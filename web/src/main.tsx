import { render } from 'preact'
import './styles/tokens.css'
import './styles/base.css'
import './parts/parts.css'
import { App, loadFirst } from './app'
import { followLinks } from './state/address'
import { show } from './state/preferences'
import { findSession } from './state/session'
import { followValues } from './state/values'

show()
followLinks()
followValues()
void findSession()
loadFirst()
const page = document.getElementById('page')
if (page) render(<App />, page)
