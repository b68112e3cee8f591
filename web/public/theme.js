// Before anything is painted: dark or light, as this person chose. Without a choice the
// system's is taken by the style sheet.
(function () {
  try {
    var chosen = JSON.parse(localStorage.getItem('nightjar.preferences') || '{}').theme
    if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen
  } catch (e) { /* no storage: the system's */ }
})()
