"""The few sentences that the offline model says itself, in English, German and Hindi."""

from __future__ import annotations

from webchatagent.core.api import words

INTRODUCTION = {
    "en": "I found this in a source in {language}:",
    "de": "Dazu habe ich in einer Quelle auf {language} gefunden:",
    "hi": "यह मुझे {language} के एक स्रोत में मिला:",
}
LANGUAGE_NAMES = {
    "en": {"en": "English", "de": "Englisch", "hi": "अंग्रेज़ी"},
    "de": {"en": "German", "de": "Deutsch", "hi": "जर्मन"},
    "hi": {"en": "Hindi", "de": "Hindi", "hi": "हिन्दी"},
}
_GREETINGS = {
    "en": frozenset("hi hello hey good morning afternoon evening there".split()),
    "de": frozenset("hallo hi guten tag morgen abend moin servus grüß gott".split()),
    "hi": frozenset("नमस्ते नमस्कार हैलो प्रणाम".split()),
}
_THANKS = {
    "en": frozenset("thanks thank you very much bye goodbye great ok okay".split()),
    "de": frozenset("danke dankeschön vielen dank tschüss super ok okay".split()),
    "hi": frozenset("धन्यवाद शुक्रिया बहुत ठीक है".split()),
}
_REPLIES = {
    "hello": {
        "en": "Hello! What would you like to know?",
        "de": "Hallo! Was möchten Sie wissen?",
        "hi": "नमस्ते! आप क्या जानना चाहते हैं?",
    },
    "thanks": {
        "en": "You are welcome. Is there anything else?",
        "de": "Gern geschehen. Kann ich noch etwas für Sie tun?",
        "hi": "आपका स्वागत है। क्या मैं और कुछ मदद कर सकता हूँ?",
    },
}


def small_talk(text: str, language: str) -> str | None:
    """A kind reply to a greeting or thanks that is nothing else; None for a question."""
    said = words(text)
    if not said or len(said) > 4:
        return None
    for lang in (language, "en", "de", "hi"):
        for kind, known in (("hello", _GREETINGS), ("thanks", _THANKS)):
            if all(w in known.get(lang, ()) for w in said):
                return _REPLIES[kind].get(lang)
    return None
