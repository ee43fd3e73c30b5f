"""The commands of `leadline`: what a person asks for and sees. Knows no wire format and no SQL of the models."""
