"""The demo company as its CRM holds it: HubSpot-shaped objects for crm.Store."""
import demo_data as data


def objects(last):
    """What the CRM holds on the evening of `last`."""
    objects = {"owners": [{"id": i, "email": e, "firstName": f, "lastName": s} for i, e, f, s in data.OWNERS],
               "companies": [], "contacts": [], "deals": [], "tickets": [], "emails": [], "calls": [], "meetings": [], "notes": [],
               "associations": []}

    def add(kind, identity, properties, created, changed, company=None):
        objects[kind].append({"id": identity, "properties": properties, "createdAt": data.iso(created), "updatedAt": data.iso(changed)})
        if company:
            objects["associations"].append((kind, identity, "companies", company))

    for c in data.companies():
        add("companies", c.id, {"name": c.name, "domain": c.domain, "segment": c.segment, "hubspot_owner_id": c.csm,
                                "account_manager": "103", "renewal_date": c.renewal.isoformat() if c.renewal else None,
                                "seats": str(c.seats), "is_customer": "true", "customer_since": c.started.isoformat(),
                                "country": "FR", "lifecyclestage": "customer"}, c.started, c.started)
        for person in c.contacts:
            add("contacts", person["id"], {"firstname": person["first"], "lastname": person["last"], "email": person["email"],
                                           "jobtitle": person["title"], "buying_role": person["role"]}, c.started, c.started, c.id)
        for n, (day, subject, body, priority, closed, who) in enumerate(data.tickets(c, last)):
            add("tickets", f"9{c.id}{n}", {"subject": subject, "content": body, "hs_ticket_priority": priority,
                                           "hs_pipeline_stage": "4" if closed and closed <= last else "1", "createdate": data.iso(day),
                                           "closed_date": data.iso(closed, 17) if closed and closed <= last else None},
                day, closed if closed and closed <= last else day, c.id)
        for n, (kind, day, hour, direction, subject, body, _) in enumerate(data.messages(c, last)):
            properties = {"hs_timestamp": data.iso(day, hour), "hubspot_owner_id": c.csm}
            if kind == "email":
                properties |= {"hs_email_subject": subject, "hs_email_text": body,
                               "hs_email_direction": "INCOMING_EMAIL" if direction == "in" else "EMAIL"}
            else:
                properties |= {"hs_meeting_title": subject, "hs_meeting_body": body, "hs_meeting_outcome": "COMPLETED"}
            add("emails" if kind == "email" else "meetings", f"8{c.id}{n:03d}", properties, day, day, c.id)
        if c.renewal:
            add("deals", f"6{c.id}", {"dealname": f"{c.name}: renewal", "dealstage": "qualifiedtobuy", "amount": str(c.monthly * 12),
                                      "closedate": data.iso(c.renewal), "dealtype": "existingbusiness"}, c.started, c.started, c.id)
    return objects
