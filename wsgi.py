from churn_api.server.wsgi import app
