"""The SDK's version; kept equal to the one in package.json by a test."""

__version__ = "0.1.0"
