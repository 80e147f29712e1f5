"""Sentences to start from."""

EXAMPLES: tuple[str, ...] = (
    "a warm, happy smile",
    "She just heard that she passed the exam.",
    "His jaw is clenched and his eyes are narrow with rage.",
    "a faint, bitter smile of contempt",
    "I could not believe my eyes, my mouth fell open.",
    "Tears are close; the corners of the mouth sink.",
    "The smell of the spoiled milk makes her nose wrinkle.",
    "Frozen with fear, eyes wide open.",
)
