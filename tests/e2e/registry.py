"""The scenarios by name. Importing this module's users fills the table."""

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function
