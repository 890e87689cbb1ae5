"""The colours of reports, on white and on a dark page; series differ in lightness too, for print and for all eyes."""

from typing import Final

LIGHT: Final = {
    "ink": "#17202e", "muted": "#5a6577", "line": "#dfe4ec", "soft": "#f4f6fa", "page": "#ffffff",
    "brand": "#4338ca", "good": "#0f766e", "bad": "#b42318", "warn": "#fff4e5", "warnInk": "#8a3b00",
    "grid": "#e6eaf1", "axis": "#9aa5b5",
    "series0": "#4338ca", "series1": "#0ea5a3", "series2": "#d97706", "series3": "#be185d", "series4": "#64748b",
    "series5": "#84a90f",
}  # fmt: skip
DARK: Final = {
    "ink": "#e8ecf3", "muted": "#a3aec0", "line": "#323c4d", "soft": "#1c2431", "page": "#121822",
    "brand": "#a5b4fc", "good": "#5eead4", "bad": "#fda29b", "warn": "#3a2a12", "warnInk": "#fdc98a",
    "grid": "#2a3342", "axis": "#6b7789",
    "series0": "#8b93ff", "series1": "#2dd4cf", "series2": "#fbaf43", "series3": "#f472b6", "series4": "#a8b3c4",
    "series5": "#bfe04a",
}  # fmt: skip
